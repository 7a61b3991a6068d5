// Pad with zeros.

import type { GraphDefLowering } from '../graphdef-lowering';
import { padImage } from '../graphdef-lowering';

export const pad: GraphDefLowering<'pad'> = (node, [x], emit) => padImage(emit, x.name, node.attributes.padding, 0);
