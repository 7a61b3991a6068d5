// A run as a TensorBoard event file: scalars by step and wall time, the settings as hyper-parameters and as text. Written from the
// formats' own definitions: TFRecord framing, Event and Summary messages.

import { ProtobufWriter } from '$lib/interchange/onnx/protobuf-writer';
import type { RunEventRecord, RunRecord } from '$lib/storage/records';
import { scalarsOf, settingsOf } from './scalars';

/** Of tensorflow.DataType. */
const DT_FLOAT = 1;
const DT_STRING = 7;
/** Of tensorboard.hparams.Status. */
const STATUS_SUCCESS = 1;
const STATUS_FAILURE = 2;

type Bytes = Uint8Array<ArrayBuffer>;

/** The file with the name that TensorBoard looks for. */
export function tensorboardFile(run: RunRecord, stored: readonly RunEventRecord[]): { path: string; blob: Blob } {
  const started = run.startedAt ?? run.createdAt;
  return {
    path: `events.out.tfevents.${Math.floor(started / 1000)}.trainyard.${run.id}`,
    blob: runAsTensorboard(run, stored),
  };
}

/** The content of the event file. */
export function runAsTensorboard(run: RunRecord, stored: readonly RunEventRecord[]): Blob {
  const started = run.startedAt ?? run.createdAt;
  const ended = run.endedAt ?? stored.at(-1)?.time ?? started;
  const events = [
    event(started, 0).string(3, 'brain.Event:2'),
    event(started, 0).message(5, summary('_hparams_/session_start_info', hparamsStart(run, started))),
    event(started, 0).message(
      5,
      summary('job', text(`    ${JSON.stringify(run.job, null, 2).replaceAll('\n', '\n    ')}`)),
    ),
    ...scalarsOf(stored).map(({ name, step, time, value }) =>
      event(time, step).message(5, summary(name, new ProtobufWriter().float(2, value))),
    ),
    event(ended, run.stepsDone).message(5, summary('_hparams_/session_end_info', hparamsEnd(run, ended))),
  ];
  return new Blob(events.map(record), { type: 'application/octet-stream' });
}

/** Event { double wall_time = 1; int64 step = 2 } */
function event(time: number, step: number): ProtobufWriter {
  return new ProtobufWriter().raw(double(1, time / 1000)).integer(2, step);
}

/** Summary { repeated Value value = 1 }, Value { string tag = 1 } and what the value is. */
function summary(tag: string, value: ProtobufWriter): ProtobufWriter {
  const whole = new ProtobufWriter().string(1, tag);
  for (const part of value.parts) whole.raw(part);
  return new ProtobufWriter().message(1, whole);
}

/** The text plugin's: TensorProto tensor = 8, SummaryMetadata metadata = 9. Markdown. */
function text(content: string): ProtobufWriter {
  const tensor = new ProtobufWriter().integer(1, DT_STRING).message(2, shapeOfOne()).string(8, content);
  return new ProtobufWriter().message(8, tensor).message(9, metadata('text'));
}

/** SessionStartInfo { map<string, Value> hparams = 1; string group_name = 4; double start_time_secs = 5 } */
function hparamsStart(run: RunRecord, started: number): ProtobufWriter {
  const info = new ProtobufWriter();
  for (const [path, value] of settingsOf(run.job)) {
    const entry = new ProtobufWriter().string(1, path).message(2, protobufValue(value));
    info.message(1, entry);
  }
  info.string(4, run.groupId ?? run.id).raw(double(5, started / 1000));
  return hparams(3, info);
}

/** SessionEndInfo { Status status = 1; double end_time_secs = 2 } */
function hparamsEnd(run: RunRecord, ended: number): ProtobufWriter {
  const status = run.status === 'done' || run.status === 'stopped' ? STATUS_SUCCESS : STATUS_FAILURE;
  return hparams(4, new ProtobufWriter().integer(1, status).raw(double(2, ended / 1000)));
}

/** HParamsPluginData { version = 1; oneof { SessionStartInfo = 3; SessionEndInfo = 4 } }, in the metadata of a tensor that says nothing. */
function hparams(field: number, info: ProtobufWriter): ProtobufWriter {
  const data = joined(new ProtobufWriter().integer(1, 0).message(field, info));
  const tensor = new ProtobufWriter().integer(1, DT_FLOAT).message(2, shapeOfOne()).float(5, 0);
  return new ProtobufWriter().message(8, tensor).message(9, metadata('hparams', data));
}

/** SummaryMetadata { PluginData plugin_data = 1 { string plugin_name = 1; bytes content = 2 } } */
function metadata(plugin: string, content?: Bytes): ProtobufWriter {
  const data = new ProtobufWriter().string(1, plugin);
  if (content !== undefined) data.bytes(2, content);
  return new ProtobufWriter().message(1, data);
}

/** TensorShapeProto { repeated Dim dim = 2 { int64 size = 1 } } */
function shapeOfOne(): ProtobufWriter {
  return new ProtobufWriter().message(2, new ProtobufWriter().integer(1, 1));
}

/** google.protobuf.Value { double number_value = 2; string string_value = 3; bool bool_value = 4 } */
function protobufValue(value: number | boolean | string): ProtobufWriter {
  if (typeof value === 'number') return new ProtobufWriter().raw(double(2, value));
  if (typeof value === 'boolean') return new ProtobufWriter().integer(4, Number(value));
  return new ProtobufWriter().string(3, value);
}

/** Wire type 1, which the shared writer has no use for. */
function double(field: number, value: number): Bytes {
  const bytes = new Uint8Array(9);
  bytes[0] = field * 8 + 1;
  new DataView(bytes.buffer).setFloat64(1, value, true);
  return bytes;
}

function joined(message: ProtobufWriter): Bytes {
  const bytes = new Uint8Array(message.length);
  let at = 0;
  for (const part of message.parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

/** TFRecord: length, its checksum, the message, its checksum. */
function record(message: ProtobufWriter): Blob {
  const data = joined(message);
  const head = new DataView(new ArrayBuffer(12));
  head.setBigUint64(0, BigInt(data.byteLength), true);
  head.setUint32(8, maskedCrc(new Uint8Array(head.buffer, 0, 8)), true);
  const tail = new DataView(new ArrayBuffer(4));
  tail.setUint32(0, maskedCrc(data), true);
  return new Blob([head.buffer, data, tail.buffer]);
}

/** Rotated and shifted, so that the checksum of data that hold checksums stays telling. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** Castagnoli's polynomial, bits reversed. */
const POLYNOMIAL = 0x82f63b78;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1;
  return rest;
});

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
