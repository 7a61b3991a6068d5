// A restricted pickle machine (protocols 0 to 5). It runs the stack program of a pickle and constructs nothing: where Python would
// import a class or call a function, it writes down an inert record. Opcodes: Python's Lib/pickletools.py documents them.

import { narrowed, PickleError, PickleReader } from './reader';
import type { Call, Persistent, PickleValue } from './values';
import { isRecord } from './values';

export interface Unpickled {
  value: PickleValue;
  /** Every reference to what lies outside, in the order in which they come. */
  persistent: readonly Persistent[];
  /** Where the next byte behind the pickle is. */
  end: number;
}

/** Runs the pickle that begins at `start`. Throws PickleEnd where the bytes end inside it and PickleError where it is wrong. */
export function unpickle(bytes: Uint8Array, start = 0): Unpickled {
  return new Machine(bytes, start).run();
}

const MARK = Symbol('mark');

class Machine {
  readonly #reader: PickleReader;
  readonly #stack: (PickleValue | typeof MARK)[] = [];
  readonly #memo = new Map<number, PickleValue>();
  readonly #persistent: Persistent[] = [];

  constructor(bytes: Uint8Array, start: number) {
    this.#reader = new PickleReader(bytes, start);
  }

  run(): Unpickled {
    for (;;) {
      const opcode = this.#reader.uint8();
      // '.', STOP
      if (opcode === 0x2e) return this.#result();
      if (!this.#literal(opcode) && !this.#container(opcode) && !this.#object(opcode)) {
        const name = `0x${opcode.toString(16).padStart(2, '0')}`;
        throw new PickleError(
          `has the opcode ${name} at byte ${this.#reader.at - 1}, which is not one that weights need`,
        );
      }
    }
  }

  #result(): Unpickled {
    return { value: this.#pop(), persistent: this.#persistent, end: this.#reader.at };
  }

  #push(value: PickleValue): true {
    this.#stack.push(value);
    return true;
  }

  #pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw new PickleError('takes from its stack what is not there');
    return value;
  }

  #top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw new PickleError('takes from its stack what is not there');
    return value;
  }

  /** What lies above the topmost mark; removes the mark, too. */
  #popToMark(): PickleValue[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw new PickleError('looks for a mark on its stack that is not there');
    const values: PickleValue[] = [];
    for (const value of this.#stack.splice(mark)) if (value !== MARK) values.push(value);
    return values;
  }

  /** Numbers, texts and bytes. False: not such an opcode. */
  #literal(opcode: number): boolean {
    const reader = this.#reader;
    switch (opcode) {
      case 0x4e: // NONE
        return this.#push(null);
      case 0x88: // NEWTRUE
        return this.#push(true);
      case 0x89: // NEWFALSE
        return this.#push(false);
      case 0x4b: // BININT1
        return this.#push(reader.uint8());
      case 0x4d: // BININT2
        return this.#push(reader.uint16());
      case 0x4a: // BININT
        return this.#push(reader.int32());
      case 0x8a: // LONG1
        return this.#push(reader.integer(reader.uint8()));
      case 0x8b: // LONG4
        return this.#push(reader.integer(reader.uint32()));
      case 0x47: // BINFLOAT
        return this.#push(reader.float64());
      case 0x49: // INT
      case 0x4c: // LONG
        return this.#push(decimal(reader.line()));
      case 0x46: // FLOAT
        return this.#push(Number(reader.line()));
      case 0x8c: // SHORT_BINUNICODE
        return this.#push(reader.utf8(reader.uint8()));
      case 0x58: // BINUNICODE
        return this.#push(reader.utf8(reader.uint32()));
      case 0x8d: // BINUNICODE8
        return this.#push(reader.utf8(reader.uint64()));
      case 0x56: // UNICODE
        return this.#push(reader.line());
      case 0x53: // STRING
        return this.#push(reader.line().replace(/^(['"])(.*)\1$/, '$2'));
      case 0x55: // SHORT_BINSTRING: a text of Python 2
        return this.#push(reader.latin1(reader.uint8()));
      case 0x54: // BINSTRING
        return this.#push(reader.latin1(reader.uint32()));
      case 0x43: // SHORT_BINBYTES
        return this.#push(reader.bytes(reader.uint8()));
      case 0x42: // BINBYTES
        return this.#push(reader.bytes(reader.uint32()));
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.#push(reader.bytes(reader.uint64()));
      default:
        return false;
    }
  }

  /** Lists, tuples, dictionaries, sets, the stack and the memo. */
  #container(opcode: number): boolean {
    const reader = this.#reader;
    switch (opcode) {
      case 0x80: // PROTO
        if (reader.uint8() > 5) throw new PickleError('is of a newer protocol than 5');
        return true;
      case 0x95: // FRAME: only a hint for buffering
        reader.uint64();
        return true;
      case 0x28: // MARK
        this.#stack.push(MARK);
        return true;
      case 0x30: // POP, of a mark too
        if (this.#stack.pop() === undefined) throw new PickleError('takes from its stack what is not there');
        return true;
      case 0x31: // POP_MARK
        this.#popToMark();
        return true;
      case 0x32: // DUP
        return this.#push(this.#top());
      case 0x5d: // EMPTY_LIST
        return this.#push({ kind: 'list', items: [] });
      case 0x6c: // LIST
        return this.#push({ kind: 'list', items: this.#popToMark() });
      case 0x29: // EMPTY_TUPLE
        return this.#push({ kind: 'tuple', items: [] });
      case 0x74: // TUPLE
        return this.#push({ kind: 'tuple', items: this.#popToMark() });
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.#tuple(opcode - 0x84);
      case 0x7d: // EMPTY_DICT
        return this.#push({ kind: 'dictionary', entries: [] });
      case 0x64: // DICT
        return this.#push({ kind: 'dictionary', entries: pairs(this.#popToMark()) });
      case 0x8f: // EMPTY_SET
        return this.#push({ kind: 'set', items: [] });
      case 0x91: // FROZENSET
        return this.#push({ kind: 'set', items: this.#popToMark() });
      case 0x61: // APPEND
        return this.#append([this.#pop()]);
      case 0x65: // APPENDS
      case 0x90: // ADDITEMS
        return this.#append(this.#popToMark());
      case 0x73: {
        // SETITEM
        const value = this.#pop();
        return this.#setItems([this.#pop(), value]);
      }
      case 0x75: // SETITEMS
        return this.#setItems(this.#popToMark());
      case 0x70: // PUT
        return this.#put(Number(reader.line()));
      case 0x71: // BINPUT
        return this.#put(reader.uint8());
      case 0x72: // LONG_BINPUT
        return this.#put(reader.uint32());
      case 0x94: // MEMOIZE
        return this.#put(this.#memo.size);
      case 0x67: // GET
        return this.#get(Number(reader.line()));
      case 0x68: // BINGET
        return this.#get(reader.uint8());
      case 0x6a: // LONG_BINGET
        return this.#get(reader.uint32());
      default:
        return false;
    }
  }

  /** Where Python would import and call: records alone. */
  #object(opcode: number): boolean {
    const reader = this.#reader;
    switch (opcode) {
      case 0x63: // GLOBAL
        return this.#push({ kind: 'global', module: reader.line(), name: reader.line() });
      case 0x93: // STACK_GLOBAL
        return this.#stackGlobal();
      case 0x52: // REDUCE
      case 0x81: {
        // NEWOBJ
        const args = this.#pop();
        return this.#push(call(this.#pop(), args));
      }
      case 0x92: {
        // NEWOBJ_EX: keyword arguments are in no weights
        this.#pop();
        const args = this.#pop();
        return this.#push(call(this.#pop(), args));
      }
      case 0x69: {
        // INST
        const callee: PickleValue = { kind: 'global', module: reader.line(), name: reader.line() };
        return this.#push(call(callee, { kind: 'tuple', items: this.#popToMark() }));
      }
      case 0x6f: {
        // OBJ
        const [callee = null, ...items] = this.#popToMark();
        return this.#push(call(callee, { kind: 'tuple', items }));
      }
      case 0x62: // BUILD
        return this.#build(this.#pop());
      case 0x50: // PERSID
        return this.#pushPersistent(reader.line());
      case 0x51: // BINPERSID
        return this.#pushPersistent(this.#pop());
      default:
        return false;
    }
  }

  #pushPersistent(id: PickleValue): true {
    const reference: Persistent = { kind: 'persistent', id };
    this.#persistent.push(reference);
    return this.#push(reference);
  }

  #tuple(count: number): true {
    const items = Array.from({ length: count }, () => this.#pop()).reverse();
    return this.#push({ kind: 'tuple', items });
  }

  #append(items: readonly PickleValue[]): true {
    const target = this.#top();
    if (!isRecord(target) || !('items' in target) || target.kind === 'tuple') {
      throw new PickleError('appends to what is no list');
    }
    for (const item of items) target.items.push(item);
    return true;
  }

  #setItems(flat: readonly PickleValue[]): true {
    const target = this.#top();
    if (!isRecord(target) || !('entries' in target)) throw new PickleError('sets a key of what is no dictionary');
    for (const pair of pairs(flat)) target.entries.push(pair);
    return true;
  }

  #put(index: number): true {
    this.#memo.set(index, this.#top());
    return true;
  }

  #get(index: number): true {
    const value = this.#memo.get(index);
    if (value === undefined) throw new PickleError('asks its memo for what is not there');
    return this.#push(value);
  }

  #stackGlobal(): true {
    const name = this.#pop();
    const module = this.#pop();
    if (typeof name !== 'string' || typeof module !== 'string') throw new PickleError('names a class by no text');
    return this.#push({ kind: 'global', module, name });
  }

  /** A state belongs to an object; objects that were not made here (a storage) have none that matters. */
  #build(state: PickleValue): true {
    const target = this.#top();
    if (isRecord(target) && target.kind === 'call') target.state = state;
    return true;
  }
}

function call(callee: PickleValue, args: PickleValue): Call {
  return { kind: 'call', callee, args, state: null, items: [], entries: [] };
}

function pairs(flat: readonly PickleValue[]): [PickleValue, PickleValue][] {
  if (flat.length % 2 !== 0) throw new PickleError('has a key without a value');
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index], flat[2 * index + 1]]);
}

/** INT and LONG of protocol 0: '17', '17L', and the truth values '00' and '01'. */
function decimal(line: string): PickleValue {
  if (line === '00' || line === '01') return line === '01';
  if (!/^-?\d{1,1000}L?$/.test(line)) throw new PickleError('holds an integer that is no number');
  return narrowed(BigInt(line.replace('L', '')));
}
