// Every transformer on the cpu backend.

import { parityFiles } from './files';
import { declareParityTests } from './suite';

declareParityTests(
  'cpu',
  parityFiles().filter(({ model }) => model.startsWith('vit')),
);
