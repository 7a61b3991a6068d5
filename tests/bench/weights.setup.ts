// Writes the files that weights.ts loads: 100 MB in both formats and both precisions.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pyTorchShape, stridesOf } from '$lib/graph/layout';
import { PickleWriter } from '$lib/interchange/pytorch/pickle-writer';
import { storedZip } from '$lib/interchange/pytorch/stored-zip';
import { netOf } from './weights-net';

interface Tensor {
  name: string;
  shape: readonly number[];
  bytes: Uint8Array<ArrayBuffer>;
}

const PRECISIONS = [
  { name: 'float32', size: 4, storage: 'FloatStorage', dtype: 'F32' },
  { name: 'float16', size: 2, storage: 'HalfStorage', dtype: 'F16' },
] as const;

function tensorsOf(precision: string, size: 2 | 4): Tensor[] {
  return netOf(precision).graph.parameters.map((specification) => {
    const shape = pyTorchShape(specification);
    const count = shape.reduce((product, length) => product * length, 1);
    const bytes = new Uint8Array(count * size);
    // Finite numbers in either precision.
    if (size === 4) new Float32Array(bytes.buffer).forEach((_, at, values) => (values[at] = Math.sin(at)));
    else new Uint16Array(bytes.buffer).forEach((_, at, bits) => (bits[at] = (at * 40503) & 0xbbff));
    return { name: specification.name, shape, bytes };
  });
}

function safetensors(tensors: readonly Tensor[], dtype: string): Blob {
  let at = 0;
  const header = Object.fromEntries(
    tensors.map(({ name, shape, bytes }) => {
      const begin = at;
      at += bytes.length;
      return [name, { dtype, shape, data_offsets: [begin, at] }];
    }),
  );
  const text = JSON.stringify(header);
  const json = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8));
  return new Blob([new BigUint64Array([BigInt(json.length)]), json, ...tensors.map(({ bytes }) => bytes)]);
}

function pth(tensors: readonly Tensor[], storage: string, size: number): Blob {
  const pickle = new PickleWriter();
  pickle.orderedDictionary().items(() => {
    tensors.forEach(({ name, shape, bytes }, index) => {
      pickle.text(name).global('torch._utils', '_rebuild_tensor_v2');
      pickle.tuple(() => {
        pickle.tuple(() => {
          pickle
            .text('storage')
            .global('torch', storage)
            .text(String(index))
            .text('cpu')
            .integer(bytes.length / size);
        });
        pickle.persistent().integer(0).integers(shape).integers(stridesOf(shape)).false().orderedDictionary();
      });
      pickle.reduce();
    });
  });
  return storedZip([
    { path: 'archive/data.pkl', content: pickle.end() },
    ...tensors.map(({ bytes }, index) => ({ path: `archive/data/${index}`, content: bytes })),
    { path: 'archive/version', content: new TextEncoder().encode('3\n') },
  ]);
}

export default async function setup(): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-bench-'));
  process.env.TRAINYARD_BENCH_FOLDER = folder;
  for (const { name, size, storage, dtype } of PRECISIONS) {
    const tensors = tensorsOf(name, size);
    const write = async (format: string, blob: Blob) =>
      writeFileSync(join(folder, `${format} ${name}`), new Uint8Array(await blob.arrayBuffer()));
    await write('safetensors', safetensors(tensors, dtype));
    await write('pytorch', pth(tensors, storage, size));
  }
  return () => rmSync(folder, { recursive: true });
}
