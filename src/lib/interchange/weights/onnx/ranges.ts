// Walks protobuf messages inside a Blob without loading them: where each field lies, its bytes only on demand. A file of 100 MB
// costs a few small reads.

import { TrainyardError } from '$lib/core/errors';
import { damaged, readVarint, splitTag } from '../../onnx/protobuf-reader';

/** Read at once: headers and small messages come from memory, large payloads are stepped over. */
const WINDOW_BYTES = 65_536;

/** Tag and length are at most ten bytes each. */
const HEADER_BYTES = 20;

/** Bytes start..end of the file. */
export interface Range {
  start: number;
  end: number;
}

/** A field of a message: `start` and `end` are its payload's (empty for a varint), `from` is where its tag begins. */
export interface FieldRange extends Range {
  from: number;
  number: number;
  wireType: number;
  /** Of a varint field. */
  integer: bigint;
}

export class RangeReader {
  #window: Uint8Array = new Uint8Array(0);
  #start = 0;

  constructor(readonly blob: Blob) {}

  /** A view that is good until the next call; throws `protobuf-damaged` past the end of the file. */
  async bytes({ start, end }: Range): Promise<Uint8Array> {
    if (end > this.blob.size || start > end) throw damaged(`it ends at ${this.blob.size} inside a field`);
    if (start < this.#start || end > this.#start + this.#window.length) {
      const stop = Math.min(this.blob.size, Math.max(end, start + WINDOW_BYTES));
      const window = await readRange(this.blob, { start, end: stop });
      // Large ones are read for themselves: the window stays for what follows.
      if (end - start > WINDOW_BYTES) return window;
      this.#window = window;
      this.#start = start;
    }
    return this.#window.subarray(start - this.#start, end - this.#start);
  }

  async *fields({ start, end }: Range): AsyncGenerator<FieldRange> {
    let at = start;
    while (at < end) {
      const header = await this.bytes({ start: at, end: Math.min(end, at + HEADER_BYTES) });
      const tag = readVarint(header, 0);
      const { number, wireType } = splitTag(tag.value);
      const field = { from: at, number, wireType, integer: 0n };
      at += tag.end;
      if (wireType === 0) {
        const { value, end: stop } = readVarint(header, tag.end);
        at += stop - tag.end;
        yield { ...field, integer: value, start: at, end: at };
        continue;
      }
      let length = wireType === 1 ? 8 : 4;
      if (wireType === 2) {
        const { value, end: stop } = readVarint(header, tag.end);
        at += stop - tag.end;
        length = Number(value);
      } else if (wireType !== 1 && wireType !== 5) {
        throw damaged(`wire type ${wireType} is not in use`);
      }
      if (length > end - at) throw damaged(`a field of ${length} bytes reaches past the end`);
      yield { ...field, start: at, end: at + length };
      at += length;
    }
  }
}

/** A copy of these bytes of the file. */
export async function readRange(blob: Blob, { start, end }: Range): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await blob.slice(start, end).arrayBuffer());
  } catch (cause) {
    throw new TrainyardError(
      'weights-unreadable',
      `The file can no longer be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      'Choose the file again.',
      { cause },
    );
  }
}
