// The nets whose weights make files of 100 MB: ResNet-50 in float32; in float16 twice as many numbers, in layers as large as its own.
import { GraphBuilder } from '$lib/graph/builder';
import type { Graph } from '$lib/graph/types';
import resnet50 from '$models/resnet50/build';

export function netOf(precision: string): { title: string; graph: Graph } {
  if (precision === 'float32') {
    return { title: 'ResNet-50', graph: resnet50({ config: {}, imageSize: [224, 224], classes: 1000 }) };
  }
  const builder = new GraphBuilder([32, 32]);
  let x = builder.input;
  for (let layer = 0; layer < 22; layer++)
    x = builder.conv2d(`conv${layer}`, x, { filters: 512, kernel: 3, padding: 1 });
  const features = builder.globalAvgPool(x, { name: 'pool' });
  const graph = builder.build(builder.linear('fc', features, { features: 1000 }), { features });
  return { title: '22 convolutions', graph };
}
