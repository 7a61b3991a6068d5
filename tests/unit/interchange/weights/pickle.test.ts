// The restricted pickle machine: it constructs nothing, and no pickle makes it take more time or memory than its bytes are worth.
import { describe, expect, test } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import { storedZip } from '$lib/interchange/pytorch/stored-zip';
import { openPyTorch } from '$lib/interchange/weights/pytorch/open';
import { unpickle } from '$lib/interchange/weights/pytorch/pickle';
import { PickleEnd, PickleError } from '$lib/interchange/weights/pytorch/reader';

const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const valueOf = (text: string) => unpickle(latin1(text)).value;

/** A file of torch.save with this pickle and one storage of four numbers, "0". */
function fileOf(pickle: string): Blob {
  return storedZip([
    { path: 'a/data.pkl', content: latin1(pickle) },
    { path: 'a/data/0', content: new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer) },
    { path: 'a/version', content: latin1('3\n') },
  ]);
}

const STORAGE = '(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x04tQ';

/** {"w": _rebuild_tensor_v2(storage, offset, size, stride, False, None)}, each of the three as opcodes. */
function tensor(offset: string, size: string, stride: string): string {
  return `\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(${STORAGE}${offset}${size}${stride}\x89NtRs.`;
}

async function refusal(blob: Blob): Promise<string> {
  const everything = async () => {
    const { tensors } = await openPyTorch(blob, 'hostile');
    for (const { read } of tensors) await read();
  };
  const error: unknown = await everything().catch((reason: unknown) => reason);
  if (!(error instanceof TrainyardError)) throw new Error(`Expected a TrainyardError, found ${String(error)}.`);
  expect(error.code).toBe('weights-unreadable');
  return error.message;
}

describe('values', () => {
  test.each<[string, string, unknown]>([
    ['None', 'N.', null],
    ['True', '\x88.', true],
    ['False of protocol 0', 'I00\n.', false],
    ['a byte', 'K\xff.', 255],
    ['a short', 'M\x01\x02.', 513],
    ['an int', 'J\xfe\xff\xff\xff.', -2],
    ['a long', '\x8a\x02\xff\x7f.', 32767],
    ['a negative long', '\x8a\x01\x80.', -128],
    ['an empty long', '\x8a\0.', 0],
    ['a long beyond doubles', '\x8a\x09\0\0\0\0\0\0\0\0\x01.', 2n ** 64n],
    ['a decimal long', 'L123L\n.', 123],
    ['a float', 'G\x3f\xf8\0\0\0\0\0\0.', 1.5],
    ['a decimal float', 'F-2.5\n.', -2.5],
    ['a text', 'X\x02\0\0\0\xc3\xa4.', 'ä'],
    ['a short text', '\x8c\x01a.', 'a'],
    ['a long text', '\x8d\x01\0\0\0\0\0\0\0a.', 'a'],
    ['a text of Python 2', 'U\x01\xe4.', 'ä'],
    ['a quoted text', "S'ab'\n.", 'ab'],
    ['bytes', 'C\x02\x01\x02.', new Uint8Array([1, 2])],
    ['a list', '](K\x01K\x02e.', { kind: 'list', items: [1, 2] }],
    ['a list of protocol 0', '(lI1\na.', { kind: 'list', items: [1] }],
    ['a tuple', 'K\x01K\x02\x86.', { kind: 'tuple', items: [1, 2] }],
    [
      'a dictionary',
      '}(K\x01K\x02K\x03K\x04u.',
      {
        kind: 'dictionary',
        entries: [
          [1, 2],
          [3, 4],
        ],
      },
    ],
    ['a set', '\x8f(K\x01\x90.', { kind: 'set', items: [1] }],
    ['the memo', '\x80\x04K\x01\x940h\0.', 1],
    ['a frame', '\x80\x04\x95\x03\0\0\0\0\0\0\0K\x01.', 1],
    ['a class', 'cos\nsystem\n.', { kind: 'global', module: 'os', name: 'system' }],
    ['a class from the stack', '\x8c\x02os\x8c\x06system\x93.', { kind: 'global', module: 'os', name: 'system' }],
  ])('%s', (_title, pickle, expected) => {
    expect(valueOf(pickle)).toEqual(expected);
  });

  test('a call is a note of it, by each of the opcodes that call', () => {
    const call = {
      kind: 'call',
      callee: { kind: 'global', module: 'os', name: 'system' },
      args: { kind: 'tuple', items: ['ls'] },
      state: null,
      items: [],
      entries: [],
    };
    const command = 'X\x02\0\0\0ls';
    expect(valueOf(`cos\nsystem\n${command}\x85R.`)).toEqual(call);
    expect(valueOf(`cos\nsystem\n${command}\x85\x81.`)).toEqual(call);
    expect(valueOf(`cos\nsystem\n${command}\x85}\x92.`)).toEqual(call);
    expect(valueOf(`(${command}ios\nsystem\n.`)).toEqual(call);
    expect(valueOf(`(cos\nsystem\n${command}o.`)).toEqual(call);
    expect(valueOf(`cos\nsystem\n${command}\x85RK\x07b.`)).toEqual({ ...call, state: 7 });
  });
});

describe('refused by the machine:', () => {
  test.each([
    ['an unknown opcode', '\xff.'],
    ['an extension', '\x82\x01.'],
    ['a buffer outside of the pickle', '\x97.'],
    ['protocol 6', '\x80\x06N.'],
    ['an empty stack', '.'],
    ['a mark as a value', '(.'],
    ['a tuple without a mark', 'K\x01t.'],
    ['a tuple of too few', 'K\x01\x86.'],
    ['a memo that is not there', 'h\x05.'],
    ['a key without a value', '}(K\x01u.'],
    ['an item for a number', 'K\x01K\x02a.'],
    ['a key for a list', ']K\x01K\x02s.'],
    ['a class without a text', 'K\x01K\x02\x93.'],
    ['an integer that is none', 'Iabc\n.'],
    ['an integer of a gigabyte', '\x8b\0\0\0\x40.'],
  ])('%s', (_title, pickle) => {
    expect(() => valueOf(pickle)).toThrow(PickleError);
  });

  test.each([
    ['nothing', ''],
    ['half a number', 'J\x01'],
    ['a text of 4 GB', 'X\xff\xff\xff\xffabc'],
    ['a text of 2^64 bytes', '\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc'],
    ['bytes of 2^63', '\x8e\0\0\0\0\0\0\0\x80abc'],
    ['a line without an end', 'cos'],
  ])('ends too early: %s', (_title, pickle) => {
    expect(() => valueOf(pickle)).toThrow(PickleEnd);
  });
});

describe('tensors', () => {
  test('of a right file are read', async () => {
    const [w] = (await openPyTorch(fileOf(tensor('K\x01', 'K\x03\x85', 'K\x01\x85')), 'file')).tensors;
    expect([w.name, w.shape, w.dtype]).toEqual(['w', [3], 'float32']);
    expect(await w.read()).toEqual(new Float32Array([2, 3, 4]));
  });

  test.each([
    ['reaches beyond its storage', tensor('K\x02', 'K\x03\x85', 'K\x01\x85'), /reaches beyond/],
    ['reaches beyond it by its strides', tensor('K\0', 'K\x02\x85', 'K\x04\x85'), /reaches beyond/],
    ['repeats a number a billion times', tensor('K\0', 'J\0\0\0\x40\x85', 'K\0\x85'), /repeats/],
    [
      'has lengths whose product is no number',
      tensor('K\0', 'J\0\0\0\x70J\0\0\0\x70J\0\0\0\x70\x87', 'K\0K\0K\0\x87'),
      /repeats/,
    ],
    ['has a negative length', tensor('K\0', 'J\xff\xff\xff\xff\x85', 'K\x01\x85'), /1 damaged/],
    ['has a negative stride', tensor('K\x03', 'K\x03\x85', 'J\xff\xff\xff\xff\x85'), /1 damaged/],
    ['has more lengths than strides', tensor('K\0', 'K\x01K\x01\x86', 'K\x01\x85'), /1 damaged/],
    [
      'lies in a storage that is not there',
      tensor('K\0', 'K\x03\x85', 'K\x01\x85').replace('\0\0\x000X', '\0\0\x005X'),
      /not there/,
    ],
    [
      'lies in a storage that is longer than its file',
      tensor('K\0', 'K\x03\x85', 'K\x01\x85').replace('cpuK\x04', 'cpuK\x05'),
      /has 16 bytes/,
    ],
    [
      'has complex numbers',
      tensor('K\0', 'K\x03\x85', 'K\x01\x85').replace('FloatStorage', 'ComplexFloatStorage'),
      /number type ComplexFloatStorage/,
    ],
  ])('refused where one %s', async (_title, pickle, message) => {
    expect(await refusal(fileOf(pickle))).toMatch(message);
  });

  test('whose bytes were changed are refused by their checksum', async () => {
    const whole = tensor('K\0', 'K\x04\x85', 'K\x01\x85');
    const bytes = new Uint8Array(await fileOf(whole).arrayBuffer());
    const at = Buffer.from(bytes).indexOf(Buffer.from(new Float32Array([1, 2, 3, 4]).buffer));
    bytes[at + 5] ^= 1;
    expect(await refusal(new Blob([bytes]))).toMatch(/checksum of "a\/data\/0"/);
  });
});

describe('no pickle takes long:', () => {
  test.each([
    ['a list in itself', ']q\0h\0a.'],
    ['2^40 paths through 40 lists', `]${'q\0](h\0h\0e'.repeat(40)}.`],
    ['a hundred thousand tuples in each other', `K\x01${'\x85'.repeat(100_000)}.`],
    ['a million marks', `${'('.repeat(1_000_000)}N.`],
    ['a million copies of a list', `](${'N'.repeat(1000)}e${'2'.repeat(1_000_000)}.`],
  ])('%s', async (_title, pickle) => {
    const start = process.cpuUsage();
    await refusal(new Blob([latin1(`\x80\x02${pickle}`)]));
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000).toBeLessThan(1000);
  });
});
