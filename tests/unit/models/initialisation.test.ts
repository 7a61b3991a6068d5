// How parameters start, against the constructors of timm and torchvision (their init functions are named on each line).

import { expect, test } from 'vitest';
import type { Initializer } from '$lib/graph/types';
import { buildModel } from '$lib/models/build';

const zeros: Initializer = { kind: 'zeros' };
const ones: Initializer = { kind: 'ones' };
const narrow: Initializer = { kind: 'normal', std: 0.02 };
const uniform = (bound: number): Initializer => ({ kind: 'uniform', bound });
const normal = (std: number): Initializer => ({ kind: 'normal', std });

test.each<[model: string, starts: Record<string, Initializer>]>([
  [
    // ResNet.init_weights: kaiming_normal_ fan_out; zero_init_last. PyTorch's own for fc.
    'resnet50',
    {
      'conv1.weight': normal(Math.sqrt(2 / (64 * 49))),
      'layer1.0.bn2.weight': ones,
      'layer1.0.bn3.weight': zeros,
      'layer1.0.downsample.1.weight': ones,
      'fc.weight': uniform(1 / Math.sqrt(2048)),
      'fc.bias': uniform(1 / Math.sqrt(2048)),
    },
  ],
  ['resnet34', { 'layer3.5.bn2.weight': zeros, 'layer3.5.bn1.weight': ones }],
  [
    // efficientnet_init_weights.
    'rexnet_150',
    {
      'features.1.conv_dw.conv.weight': normal(Math.sqrt(2 / 9)),
      'features.3.se.fc1.bias': zeros,
      'head.fc.weight': uniform(1 / Math.sqrt(10)),
      'head.fc.bias': zeros,
    },
  ],
  [
    // init_weights_vit_timm; the convolution resets itself.
    'vit_tiny_patch16_224',
    {
      cls_token: normal(1e-6),
      pos_embed: narrow,
      'patch_embed.proj.weight': uniform(1 / Math.sqrt(3 * 16 * 16)),
      'blocks.0.attn.qkv.weight': narrow,
      'blocks.0.attn.qkv.bias': zeros,
      'blocks.11.norm2.weight': ones,
      'head.weight': narrow,
      'head.bias': zeros,
    },
  ],
  [
    // convnext's _init_weights; ls_init_value.
    'convnext_atto',
    {
      'stem.0.weight': narrow,
      'stages.0.blocks.0.gamma': { kind: 'constant', value: 1e-6 },
      'stages.1.downsample.1.bias': zeros,
      'head.norm.weight': ones,
      'head.fc.weight': narrow,
    },
  ],
  [
    // SqueezeNet.__init__: kaiming_uniform_, normal_ of 0.01 for the classifier.
    'squeezenet1_1',
    {
      'features.0.weight': uniform(Math.sqrt(6 / 27)),
      'features.0.bias': zeros,
      'classifier.1.weight': normal(0.01),
      'classifier.1.bias': zeros,
    },
  ],
])('%s starts as its source does', async (model, starts) => {
  const graph = await buildModel(model, { config: {}, imageSize: [64, 64], classes: 10 });
  const found = new Map(graph.parameters.map(({ name, initializer }) => [name, initializer]));
  for (const [name, start] of Object.entries(starts)) expect(found.get(name), name).toEqual(start);
});
