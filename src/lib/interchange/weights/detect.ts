// Tells what a file is by its first bytes; names are of use for ONNX alone, which begins with nothing of its own.

import { readBytes } from '../bytes';

export type FileKind =
  | { kind: 'safetensors' | 'pickle' | 'zip' | 'hdf5' | 'onnx' | 'json' }
  /** What it is instead, as the end of "is ...", and what to do. */
  | { kind: 'other'; found: string; hint: string };

const HEAD_BYTES = 512;

const HDF5 = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const ZIP = [0x50, 0x4b, 0x03, 0x04];
const EMPTY_ZIP = [0x50, 0x4b, 0x05, 0x06];
const GZIP = [0x1f, 0x8b];
const TAR = [0x75, 0x73, 0x74, 0x61, 0x72];
const TAR_AT = 257;
const TFLITE = [0x54, 0x46, 0x4c, 0x33];
const GGUF = [0x47, 0x47, 0x55, 0x46];
/** Opcode PROTO; its argument follows. */
const PICKLE = 0x80;
const NEWEST_PICKLE = 5;
/** Field 1 of an ONNX model, its version of the format, is a small number. */
const ONNX_VERSION = 0x08;
const MOST_ONNX_VERSION = 32;

const SUPPORTED = 'Take a .safetensors, .pth, .h5 or .onnx file, or a TensorFlow.js model.json with its shards.';

export async function detectKind(blob: Blob, name: string): Promise<FileKind> {
  const head = await readBytes(blob.slice(0, HEAD_BYTES));
  const starts = (bytes: readonly number[], at = 0): boolean => bytes.every((byte, index) => head[at + index] === byte);
  if (blob.size === 0) return other('empty', 'Download or save the file again.');
  if (starts(ZIP) || starts(EMPTY_ZIP)) return { kind: 'zip' };
  if (starts(HDF5)) return { kind: 'hdf5' };
  if (isSafetensors(head, blob.size)) return { kind: 'safetensors' };
  if (head[0] === PICKLE && head[1] >= 2 && head[1] <= NEWEST_PICKLE) return { kind: 'pickle' };
  if (starts(TAR, TAR_AT)) {
    return other('a tar archive, as PyTorch wrote before version 0.1.10', 'Load it in PyTorch and save it again.');
  }
  if (starts(GZIP)) return other('packed with gzip', 'Unpack it first.');
  if (starts(TFLITE, 4)) return other('a TensorFlow Lite model, which keeps no weights to train', SUPPORTED);
  if (starts(GGUF)) return other('a GGUF file, which holds language models', SUPPORTED);
  const text = new TextDecoder('latin1').decode(head).trimStart();
  if (text.startsWith('version https://git-lfs')) {
    return other(
      'a pointer of Git LFS, not the weights themselves',
      'Download the file itself, or run "git lfs pull".',
    );
  }
  if (/^<(!doctype|html|\?xml)/i.test(text)) {
    return other('a web page, not weights', 'Take the address of the file itself, not of the page about it.');
  }
  if (text.startsWith('{')) return { kind: 'json' };
  const onnx = head[0] === ONNX_VERSION && head[1] > 0 && head[1] < MOST_ONNX_VERSION;
  if (onnx || /\.onnx$/i.test(name)) return { kind: 'onnx' };
  return other('of no kind that is known here', SUPPORTED);
}

function other(found: string, hint: string): FileKind {
  return { kind: 'other', found, hint };
}

/** A header's length that fits into the file, then the header's "{". */
function isSafetensors(head: Uint8Array, size: number): boolean {
  if (head.length < 10 || head[8] !== 0x7b) return false;
  const length = new DataView(head.buffer, head.byteOffset).getBigUint64(0, true);
  // A length beyond the file is a truncated download: the reader says so.
  return length <= BigInt(size) || length < 100_000_000n;
}
