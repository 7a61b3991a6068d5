// Vision transformers (Dosovitskiy et al. 2021) with timm's names, numbers and initialisation: class token, learned position
// embedding, norm before each branch. The embedding has one row for the token and one for each patch of this image size; weights for
// another size are resampled when they are loaded (position-embedding.ts).

import { GraphBuilder } from '$lib/graph/builder';
import type { Value } from '$lib/graph/builder';
import { narrowNormal, zeros } from '$lib/graph/initializers';
import type { Graph } from '$lib/graph/types';
import type { BuildRequest } from '../contract';

export interface VisionTransformerOptions {
  /** Side of a patch in pixels. */
  patch: number;
  /** Features of a token. */
  width: number;
  depth: number;
  heads: number;
  /** Before the classifier. */
  dropout: number;
  /** Stochastic depth of the last block; it grows linearly from 0 at the first. */
  dropPath: number;
}

const EPSILON = 1e-6;
const MLP_RATIO = 4;
const dense = { init: narrowNormal, biasInit: zeros };

export function buildVisionTransformer({ imageSize, classes }: BuildRequest, options: VisionTransformerOptions): Graph {
  const { patch, width, depth, heads } = options;
  const builder = new GraphBuilder(imageSize);
  const rows = imageSize[0] / patch;
  const columns = imageSize[1] / patch;
  const tokens = rows * columns + 1;

  const token = builder.parameter('cls_token', [1, 1, width], { kind: 'normal', std: 1e-6 });
  const positions = builder.parameter('pos_embed', [1, tokens, width], narrowNormal);
  // PyTorch's own start: timm resets what is no linear layer.
  const patches = builder.conv2d('patch_embed.proj', builder.input, { filters: width, kernel: patch, stride: patch });
  const sequence = builder.concat(
    [
      builder.reshape(token, [1, width], 'cls_token.row'),
      builder.reshape(patches, [rows * columns, width], 'patch_embed.flatten'),
    ],
    0,
    'tokens',
  );
  let x = builder.add(sequence, builder.reshape(positions, [tokens, width], 'pos_embed.rows'), 'embedded'); // [tokens, width]

  for (let index = 0; index < depth; index++) {
    const name = `blocks.${index}`;
    const rate = depth > 1 ? (options.dropPath * index) / (depth - 1) : 0;
    const attended = selfAttention(builder, norm(builder, `${name}.norm1`, x), `${name}.attn`, heads);
    x = builder.add(x, builder.dropPath(`${name}.drop_path1`, attended, rate), `${name}.add1`);
    const mixed = perceptron(builder, norm(builder, `${name}.norm2`, x), `${name}.mlp`);
    x = builder.add(x, builder.dropPath(`${name}.drop_path2`, mixed, rate), `${name}.add2`);
  }

  // The last norm works on each token alone: only the one that is read needs it.
  const read = builder.slice(x, { axis: 0, begin: 0, size: 1 }, 'pool');
  const features = norm(builder, 'norm', builder.reshape(read, [width], 'pool.flatten'));
  const dropped = builder.dropout('head_drop', features, options.dropout);
  return builder.build(builder.linear('head', dropped, { features: classes, ...dense }), { features });
}

function norm(builder: GraphBuilder, name: string, x: Value): Value {
  return builder.layerNorm(name, x, { epsilon: EPSILON });
}

/** Queries, keys and values come from one matrix, side by side. */
function selfAttention(builder: GraphBuilder, x: Value, name: string, heads: number): Value {
  const width = x.shape[1];
  const joint = builder.linear(`${name}.qkv`, x, { features: 3 * width, ...dense });
  const part = (index: number, letter: string): Value =>
    builder.slice(joint, { axis: -1, begin: index * width, size: width }, `${name}.${letter}`);
  const mixed = builder.attention(part(0, 'q'), part(1, 'k'), part(2, 'v'), heads, `${name}.attention`);
  return builder.linear(`${name}.proj`, mixed, { features: width, ...dense });
}

function perceptron(builder: GraphBuilder, x: Value, name: string): Value {
  const width = x.shape[1];
  const hidden = builder.linear(`${name}.fc1`, x, { features: MLP_RATIO * width, ...dense });
  const active = builder.activation(hidden, 'gelu', { name: `${name}.act` });
  return builder.linear(`${name}.fc2`, active, { features: width, ...dense });
}
