// Protobuf wire format, writing: a message is a list of parts that goes straight into a Blob. The Blob is the only one to copy payloads.
// Knows nothing of ONNX. Format: https://protobuf.dev/programming-guides/encoding/

import { utf8 } from '../bytes';
import type { Bytes } from '../bytes';

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** Base-128, low group first. Negative numbers take their 64-bit two's complement, ten bytes, as int64 fields do. */
export function varint(value: number): number[] {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a whole number below 2^53.`);
  const bytes: number[] = [];
  if (value < 0) {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
    return bytes;
  }
  // Divisions, not shifts: sizes exceed 32 bits.
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}

/** One message under construction. Fields are written in call order; calls chain. */
export class ProtobufWriter {
  readonly parts: Bytes[] = [];
  /** Bytes written so far. */
  length = 0;

  private push(part: Bytes): this {
    this.parts.push(part);
    this.length += part.byteLength;
    return this;
  }

  private tag(field: number, wireType: number, ...values: number[]): this {
    return this.push(new Uint8Array([...varint(field * 8 + wireType), ...values]));
  }

  /** int32, int64, enum or bool. */
  integer(field: number, value: number): this {
    return this.tag(field, VARINT, ...varint(value));
  }

  /** Repeated integers, unpacked: what proto2 schemas such as ONNX's declare, and every parser takes. */
  integers(field: number, values: readonly number[]): this {
    for (const value of values) this.integer(field, value);
    return this;
  }

  /** 32-bit float. */
  float(field: number, value: number): this {
    return this.tag(field, FIXED32).push(new Uint8Array(new Float32Array([value]).buffer));
  }

  /** Keeps a reference to `value`: it must not change before the message is used up. */
  bytes(field: number, value: Bytes): this {
    return this.tag(field, LENGTH_DELIMITED, ...varint(value.byteLength)).push(value);
  }

  /** Fields that are encoded already. */
  raw(fields: Bytes): this {
    return this.push(fields);
  }

  /** Tag and length of a field whose content comes from elsewhere. */
  header(field: number, length: number): this {
    return this.tag(field, LENGTH_DELIMITED, ...varint(length));
  }

  string(field: number, value: string): this {
    return this.bytes(field, utf8(value));
  }

  strings(field: number, values: readonly string[]): this {
    for (const value of values) this.string(field, value);
    return this;
  }

  message(field: number, message: ProtobufWriter): this {
    this.tag(field, LENGTH_DELIMITED, ...varint(message.length));
    for (const part of message.parts) this.push(part);
    return this;
  }

  messages(field: number, messages: readonly ProtobufWriter[]): this {
    for (const message of messages) this.message(field, message);
    return this;
  }

  toBlob(): Blob {
    return new Blob(this.parts, { type: 'application/octet-stream' });
  }
}
