// Every architecture that PyTorch's libraries define, on WASM, against what they compute.

import { parityFiles } from './files';
import { declareParityTests } from './suite';

declareParityTests('wasm', parityFiles());
