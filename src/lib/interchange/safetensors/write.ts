// Writes safetensors files: a header and the tensors' bytes, copied once, by the Blob.

import { bytesOf, int64Bytes, utf8 } from '../bytes';
import type { Bytes } from '../bytes';
import type { StateTensor } from '../state-dict';

/** Keeps float32 and int64 data aligned for readers that map the file. */
const ALIGNMENT = 8;

/** `metadata` are strings by key, as the format demands. */
export function encodeSafetensors(tensors: readonly StateTensor[], metadata: Readonly<Record<string, string>>): Blob {
  const header: Record<string, unknown> = { __metadata__: metadata };
  const parts: Bytes[] = [];
  let at = 0;
  // The widest type first, so that each tensor begins at a multiple of its own size.
  for (const tensor of [...tensors].sort((a, b) => Number(a.dtype === 'F32') - Number(b.dtype === 'F32'))) {
    const bytes = tensor.dtype === 'F32' ? bytesOf(tensor.values) : int64Bytes(tensor.values);
    header[tensor.name] = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [at, at + bytes.byteLength] };
    parts.push(bytes);
    at += bytes.byteLength;
  }
  const json = utf8(JSON.stringify(header));
  const padding = new Uint8Array((ALIGNMENT - (json.byteLength % ALIGNMENT)) % ALIGNMENT).fill(0x20);
  const length = int64Bytes([json.byteLength + padding.byteLength]);
  return new Blob([length, json, padding, ...parts], { type: 'application/octet-stream' });
}
