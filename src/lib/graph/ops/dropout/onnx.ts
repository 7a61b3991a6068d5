// Nothing outside training.

import type { OnnxLowering } from '../onnx-lowering';

export const dropout: OnnxLowering<'dropout'> = (_node, [x]) => x.name;

export const dropPath: OnnxLowering<'drop_path'> = (_node, [x]) => x.name;
