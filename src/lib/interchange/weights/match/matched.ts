// What finding a model's tensors in a file comes to.

import type { TensorEntry } from '../contract';

export interface Matched {
  /** Parameter of the model -> tensor of the file; shapes may still differ. */
  tensors: ReadonlyMap<string, TensorEntry>;
  /** How values lie in the file: PyTorch's way, or ours, which is Keras's. */
  layout: 'torch' | 'keras';
  /** How they were found, where it is not plainly by name; sentences for the report. */
  notes: readonly string[];
}

/** PyTorch's counter of batches. It is of no use here: our averages have a momentum. */
export function isCounter(name: string): boolean {
  return name.endsWith('num_batches_tracked');
}
