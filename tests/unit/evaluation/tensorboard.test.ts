// The event file, read by a reader of its own (framing, checksums, messages) and by TensorBoard where that is installed.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, test } from 'vitest';
import { runAsTensorboard, tensorboardFile } from '$lib/evaluation/tensorboard';
import { findPython, runPython } from '../interchange/support/python';
import { EXPECTED, eventsToExport, runToExport, STARTED } from './exported-run';

type Value = number | bigint | Uint8Array;

/** Bit by bit, from the definition: another way than the writer's table. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function unmasked(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated << 15) | (rotated >>> 17)) >>> 0;
}

function recordsOf(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(view.getBigUint64(at, true));
    expect(unmasked(view.getUint32(at + 8, true))).toBe(crc32c(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(unmasked(view.getUint32(at + 12 + length, true))).toBe(crc32c(data));
    records.push(data);
    at += 16 + length;
  }
  return records;
}

/** Fields of a message in their order. */
function fieldsOf(bytes: Uint8Array): [field: number, value: Value][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: [number, Value][] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const field = tag >> 3;
    switch (tag & 7) {
      case 0:
        fields.push([field, varint()]);
        break;
      case 1:
        fields.push([field, view.getFloat64(at, true)]);
        at += 8;
        break;
      case 2: {
        const length = Number(varint());
        fields.push([field, bytes.subarray(at, at + length)]);
        at += length;
        break;
      }
      case 5:
        fields.push([field, view.getFloat32(at, true)]);
        at += 4;
        break;
      default:
        throw new Error(`wire type ${tag & 7}`);
    }
  }
  return fields;
}

const inside = (bytes: Uint8Array, field: number): Value | undefined =>
  fieldsOf(bytes).find(([number]) => number === field)?.[1];
function message(value: Value | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new Error('That is no message.');
}
const text = (value: Value | undefined) => new TextDecoder().decode(message(value));

let records: Uint8Array[];
beforeAll(async () => {
  records = recordsOf(new Uint8Array(await runAsTensorboard(runToExport(), eventsToExport()).arrayBuffer()));
});

it('knows the checksum’s own test vector', () => {
  // RFC 3720, B.4: 32 bytes of zeros.
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
});

it('begins with the version that its reader asks for, and counts seconds', () => {
  expect(text(inside(records[0], 3))).toBe('brain.Event:2');
  expect(inside(records[0], 1)).toBe(STARTED / 1000);
});

it('holds every scalar with its step, what was lost with a tab left out', () => {
  const scalars = records.flatMap((record) => {
    const summary = inside(record, 5);
    if (summary === undefined) return [];
    const value = message(inside(message(summary), 1));
    const simple = inside(value, 2);
    return typeof simple === 'number' ? [{ tag: text(inside(value, 1)), step: Number(inside(record, 2)), simple }] : [];
  });
  for (const [name, points] of EXPECTED) {
    const found = scalars.filter(({ tag }) => tag === name).map(({ step, simple }) => [step, simple]);
    expect(found, name).toEqual(points.map(([step, value]) => [step, Math.fround(value)]));
  }
});

it('is named as TensorBoard looks for it', () => {
  expect(tensorboardFile(runToExport(), []).path).toMatch(/^events\.out\.tfevents\.1790000000\./);
});

const READER = `
import json, math, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
events = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0, 'tensors': 0})
events.Reload()
start = events.SummaryMetadata('_hparams_/session_start_info').plugin_data.content
settings = plugin_data_pb2.HParamsPluginData.FromString(start).session_start_info.hparams
print(json.dumps({
  'scalars': {tag: [[e.step, None if math.isnan(e.value) else e.value] for e in events.Scalars(tag)] for tag in events.Tags()['scalars']},
  'wall': events.Scalars('train/loss')[0].wall_time,
  'rate': settings['optimizer.learning_rate'].number_value,
  'model': settings['model.name'].string_value,
  'text': events.Tensors('job')[0].tensor_proto.string_val[0].decode(),
}))
`;
const python = findPython(['tensorboard']);
const folder = mkdtempSync(join(tmpdir(), 'trainyard-tensorboard-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('TensorBoard itself reads scalars, settings and text', async (context) => {
  context.skip(python === null, 'no Python with tensorboard; PYTHON names another one');
  if (python === null) return;
  const { path, blob } = tensorboardFile(runToExport(), eventsToExport());
  writeFileSync(join(folder, path), new Uint8Array(await blob.arrayBuffer()));
  const read = JSON.parse(runPython(python, ['-c', READER, folder], folder)) as {
    scalars: Record<string, [number, number | null][]>;
    wall: number;
    rate: number;
    model: string;
    text: string;
  };
  for (const [name, points] of EXPECTED) {
    const expected = points.map(([step, value]) => [step, Number.isNaN(value) ? null : Math.fround(value)]);
    expect(read.scalars[name], name).toEqual(expected);
  }
  expect(read).toMatchObject({ rate: 0.004, model: 'tiny-cnn', wall: STARTED / 1000 + 2 });
  expect(read.text).toContain('"learning_rate": 0.004');
});
