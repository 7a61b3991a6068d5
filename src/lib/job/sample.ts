// The job behind "Try a sample" and `npm run demo`: settings that fit the generated shapes, small enough for a minute on two cores.

import { JOB_VERSION } from './job';

/** A document for parseJob. The shapes lie anywhere in any turn, so mirroring and shifting cost nothing and help much. */
export const SAMPLE_JOB: Readonly<Record<string, unknown>> = {
  version: JOB_VERSION,
  model: { name: 'tiny-cnn' },
  training: { epochs: 10, batch_size: 32 },
  preprocess: { image_size: 32 },
  augment: { horizontal_flip: 0.5, vertical_flip: 0.5, shift: 4 },
  optimizer: { learning_rate: 0.004 },
};
