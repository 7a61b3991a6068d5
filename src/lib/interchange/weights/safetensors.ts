// Opens a safetensors file from elsewhere: its header is read, its tensors are when they are asked for.

import { readBytes } from '../bytes';
import { NUMBER_TYPES } from '../numbers';
import { readHeader } from '../safetensors/header';
import type { WeightsFile } from './contract';
import { asUnreadable } from './unreadable';

/** `name` is for messages. Throws `weights-unreadable`. */
export async function openSafetensors(blob: Blob, name: string): Promise<WeightsFile> {
  const { entries } = await readHeader(blob).catch((error: unknown) => {
    throw asUnreadable(name, error);
  });
  return {
    format: 'safetensors',
    convention: 'torch',
    tensors: entries.map(({ name: tensor, shape, type, begin, end }) => ({
      name: tensor,
      shape,
      dtype: type,
      read: async () => NUMBER_TYPES[type].read(await readBytes(blob.slice(begin, end))),
    })),
    classes: null,
    preprocess: null,
    architecture: () => Promise.resolve({ kind: 'none' }),
  };
}
