// Zero padding of height and width.

import { defineOperation, imageInput } from '../operation';

export const pad = defineOperation<'pad'>({
  inputs: 1,
  shape(inputs, { padding: [top, bottom, left, right] }) {
    const [height, width, channels] = imageInput(inputs);
    return [height + top + bottom, width + left + right, channels];
  },
  flops: () => 0,
});
