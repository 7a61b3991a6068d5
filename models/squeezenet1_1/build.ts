// SqueezeNet 1.1 (Iandola et al. 2016) as a graph, with torchvision's names and initialisation.
//
// One thing differs from torchvision, on purpose: the mean over the image is taken before the classifier, so that there is a pooled
// embedding to cache and to give another head. torchvision scores every place, applies a ReLU to the scores and takes their mean. Without
// that ReLU the two orders are the same numbers: `net.classifier[2] = torch.nn.Identity()` makes torchvision's net this one.

import { GraphBuilder } from '$lib/graph/builder';
import type { Value } from '$lib/graph/builder';
import { zeros } from '$lib/graph/initializers';
import type { Fans } from '$lib/graph/initializers';
import { symmetricPadding } from '$lib/graph/padding';
import type { Initializer, Padding } from '$lib/graph/types';
import type { BuildModel } from '$lib/models/contract';
import { readSettings } from '$lib/models/settings';
import { fields } from './config';

/** Channels that a fire module squeezes to, and that each of its two expansions gives; 'pool' halves the image. */
const LAYERS = [[16, 64], [16, 64], 'pool', [32, 128], [32, 128], 'pool', [48, 192], [48, 192], [64, 256], [64, 256]] as const; // prettier-ignore

/** torch.nn.init.kaiming_uniform_ for ReLU. */
const kaimingUniform = ({ fanIn }: Fans): Initializer => ({ kind: 'uniform', bound: Math.sqrt(6 / fanIn) });
const start = { init: kaimingUniform, biasInit: zeros };

const build: BuildModel = ({ config, imageSize, classes }) => {
  const { dropout } = readSettings(fields, config, 'squeezenet1_1');
  const builder = new GraphBuilder(imageSize);
  let x = builder.conv2d('features.0', builder.input, { filters: 64, kernel: 3, stride: 2, ...start });
  x = builder.activation(x, 'relu', { name: 'features.1' });
  x = shrink(builder, x, 'features.2');
  LAYERS.forEach((layer, index) => {
    const name = `features.${index + 3}`;
    x = layer === 'pool' ? shrink(builder, x, name) : fire(builder, x, name, layer);
  });
  const features = builder.globalAvgPool(x, { name: 'pool' });
  const dropped = builder.dropout('classifier.0', features, dropout);
  const place = builder.reshape(dropped, [1, 1, 512], 'classifier.place');
  const shared = { kernel: 1, init: { kind: 'normal', std: 0.01 }, biasInit: zeros } as const;
  const scores = builder.conv2d('classifier.1', place, { filters: classes, ...shared });
  // Of one place: the same numbers as a vector.
  return builder.build(builder.globalAvgPool(scores, { name: 'classifier.3' }), { features });
};

/** Max pooling whose last window may hang over the edge (PyTorch's ceil_mode): for even sizes a row and a column of padding. */
function shrink(builder: GraphBuilder, x: Value, name: string): Value {
  const [height, width] = x.shape;
  const padding: Padding = [0, 1 - (height % 2), 0, 1 - (width % 2)];
  return builder.maxPool(x, { kernel: 3, stride: 2, padding }, name);
}

/** Fewer channels, then two convolutions side by side. */
function fire(builder: GraphBuilder, x: Value, name: string, [squeezed, expanded]: readonly [number, number]): Value {
  const layer = (input: Value, part: string, filters: number, kernel: number): Value => {
    const y = builder.conv2d(`${name}.${part}`, input, {
      filters,
      kernel,
      padding: symmetricPadding(kernel),
      ...start,
    });
    return builder.activation(y, 'relu', { name: `${name}.${part}_activation` });
  };
  const squeeze = layer(x, 'squeeze', squeezed, 1);
  const parts = [layer(squeeze, 'expand1x1', expanded, 1), layer(squeeze, 'expand3x3', expanded, 3)];
  return builder.concat(parts, -1, `${name}.concat`);
}

export default build;
