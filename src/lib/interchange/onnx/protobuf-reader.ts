// Protobuf wire format, reading: splits a message into its fields, which the caller knows how to read. Bytes stay views.
// Refuses what cannot be: overlong varints, lengths past the end, groups.

import { TrainyardError } from '$lib/core/errors';

export interface ProtobufField {
  number: number;
  /** For varint and fixed64 fields the value; signed when read by {@link signed}. */
  integer: bigint;
  /** For length-delimited and fixed fields their bytes, a view into the message. */
  bytes: Uint8Array;
}

export function damaged(found: string): TrainyardError {
  return new TrainyardError(
    'protobuf-damaged',
    `The file is not readable: ${found}.`,
    'Export or download the file again.',
  );
}

const NOTHING = new Uint8Array(0);

/** The number that begins at `at`, and where it ends. */
export function readVarint(message: Uint8Array, at: number): { value: bigint; end: number } {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    if (at >= message.length) throw damaged('it ends inside a number');
    const byte = message[at++];
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return { value: BigInt.asUintN(64, value), end: at };
  }
  throw damaged('a number is longer than ten bytes');
}

/** Number and wire type of a field from its tag. */
export function splitTag(tag: bigint): { number: number; wireType: number } {
  const number = Number(tag >> 3n);
  if (number === 0 || number > 0x1fffffff) throw damaged(`field number ${number} is not allowed`);
  return { number, wireType: Number(tag & 7n) };
}

/** The fields of one message, in file order. */
export function* readFields(message: Uint8Array): Generator<ProtobufField> {
  let at = 0;
  const varint = (): bigint => {
    const { value, end } = readVarint(message, at);
    at = end;
    return value;
  };
  const take = (length: number): Uint8Array => {
    if (length > message.length - at) throw damaged(`a field of ${length} bytes reaches past the end`);
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const { number, wireType } = splitTag(varint());
    switch (wireType) {
      case 0:
        yield { number, integer: varint(), bytes: NOTHING };
        break;
      case 1: {
        const bytes = take(8);
        yield { number, integer: new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true), bytes };
        break;
      }
      case 2:
        yield { number, integer: 0n, bytes: take(Number(varint())) };
        break;
      case 5:
        yield { number, integer: 0n, bytes: take(4) };
        break;
      default:
        throw damaged(`wire type ${wireType} is not in use`);
    }
  }
}

/** int32, int64 and enums: two's complement in 64 bits. */
export function signed(field: ProtobufField): number {
  return Number(BigInt.asIntN(64, field.integer));
}

export function float(field: ProtobufField): number {
  if (field.bytes.length !== 4) throw damaged('a float is not four bytes');
  return new DataView(field.bytes.buffer, field.bytes.byteOffset).getFloat32(0, true);
}

export function text(field: ProtobufField): string {
  return new TextDecoder().decode(field.bytes);
}

/** A repeated integer field may come packed: one length-delimited run of varints. */
export function integers(field: ProtobufField): number[] {
  if (field.bytes.length === 0) return [signed(field)];
  const values: number[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of field.bytes) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (shift > 70n) throw damaged('a number is longer than ten bytes');
    if (byte < 128) {
      values.push(Number(BigInt.asIntN(64, value)));
      value = 0n;
      shift = 0n;
    }
  }
  if (shift !== 0n) throw damaged('it ends inside a number');
  return values;
}
