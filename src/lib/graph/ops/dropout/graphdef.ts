// Nothing outside training.

import type { GraphDefLowering } from '../graphdef-lowering';

export const dropout: GraphDefLowering<'dropout'> = (_node, [x]) => x.name;

export const dropPath: GraphDefLowering<'drop_path'> = (_node, [x]) => x.name;
