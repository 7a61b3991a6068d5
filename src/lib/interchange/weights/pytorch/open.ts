// Opens what torch.save wrote: the zip format of today and the older one, and plain pickles of numpy arrays. Code in a file is
// never run: see pickle.ts.

import type { TensorEntry, WeightsFile } from '../contract';
import { asUnreadable, unreadable } from '../unreadable';
import { collectTensors } from './collect';
import { openLegacy } from './legacy';
import { PickleEnd, PickleError } from './reader';
import type { NumbersSource } from './numbers-source';
import { checkTensor, readTensor } from './read-tensor';
import type { PickleValue } from './values';
import { openZip } from './zip';

/** What both formats come down to. */
export interface Container {
  value: PickleValue;
  /** Where the numbers of a storage are; null where there is no such storage. */
  storage(key: string): NumbersSource | null;
}

const PICKLE = 0x80;

/** `name` is for messages. Throws `weights-unreadable`. */
export async function openPyTorch(blob: Blob, name: string): Promise<WeightsFile> {
  try {
    const [first] = new Uint8Array(await blob.slice(0, 1).arrayBuffer());
    const container = first === PICKLE ? await openLegacy(blob, name) : await openZip(blob, name);
    return weightsOf(container, name);
  } catch (error) {
    if (error instanceof PickleEnd)
      throw unreadable(name, 'are damaged: their pickle ends too early', undefined, error);
    if (error instanceof PickleError) throw unreadable(name, `hold a pickle that ${error.message}`, undefined, error);
    throw asUnreadable(name, error);
  }
}

function weightsOf({ value, storage }: Container, name: string): WeightsFile {
  const { tensors, left } = collectTensors(value);
  if (tensors.size === 0) {
    const reasons = [...left].map(([reason, count]) => `${count} ${reason}`).join(', ');
    const found = left.size > 0 ? `hold only tensors that cannot be read here (${reasons})` : 'hold no tensors';
    throw unreadable(name, found, 'Save the state dict of a model, in float32, with torch.save.');
  }
  const entries: TensorEntry[] = [];
  for (const [path, tensor] of tensors) {
    const { numbers, shape } = tensor;
    const source = numbers.kind === 'storage' ? storage(numbers.key) : null;
    checkTensor(name, path, tensor, source);
    entries.push({
      name: path,
      shape,
      dtype: numbers.type,
      read: async () => {
        try {
          return await readTensor(name, path, tensor, source);
        } catch (error) {
          throw asUnreadable(name, error);
        }
      },
    });
  }
  return {
    format: 'pytorch',
    convention: 'torch',
    tensors: entries,
    classes: null,
    preprocess: null,
    architecture: () => Promise.resolve({ kind: 'none' }),
  };
}
