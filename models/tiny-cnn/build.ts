// tiny-cnn as a graph: a 3 x 3 stem and six depthwise-separable blocks (Howard et al. 2017).

import { GraphBuilder } from '$lib/graph/builder';
import type { BuildModel } from '$lib/models/contract';
import { roundChannels } from '$lib/models/blocks/channels';
import { convNorm } from '$lib/models/blocks/conv-norm';
import { readSettings } from '$lib/models/settings';
import { fields } from './config';

const STEM = 32;
const BLOCKS = [
  { channels: 64, stride: 2 },
  { channels: 64, stride: 1 },
  { channels: 128, stride: 2 },
  { channels: 128, stride: 1 },
  { channels: 256, stride: 2 },
  { channels: 256, stride: 1 },
];

const build: BuildModel = ({ config, imageSize, classes }) => {
  const { width, dropout } = readSettings(fields, config, 'tiny-cnn');
  const builder = new GraphBuilder(imageSize);
  let x = convNorm(builder, builder.input, {
    conv: 'stem.conv',
    norm: 'stem.bn',
    filters: roundChannels(STEM * width),
    kernel: 3,
    activation: 'relu6',
  });
  BLOCKS.forEach(({ channels, stride }, index) => {
    const name = `blocks.${index}`;
    x = convNorm(builder, x, {
      conv: `${name}.dw.conv`,
      norm: `${name}.dw.bn`,
      filters: 'depthwise',
      kernel: 3,
      stride,
      activation: 'relu6',
    });
    x = convNorm(builder, x, {
      conv: `${name}.pw.conv`,
      norm: `${name}.pw.bn`,
      filters: roundChannels(channels * width),
      kernel: 1,
      activation: 'relu6',
    });
  });
  const features = builder.globalAvgPool(x, { name: 'pool' });
  const dropped = builder.dropout('dropout', features, dropout);
  return builder.build(builder.linear('classifier', dropped, { features: classes }), { features });
};

export default build;
