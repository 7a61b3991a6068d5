// Every convolutional architecture on the cpu backend. Half of its time; the other half is in cpu-transformers.test.ts.

import { parityFiles } from './files';
import { declareParityTests } from './suite';

declareParityTests(
  'cpu',
  parityFiles().filter(({ model }) => !model.startsWith('vit')),
);
