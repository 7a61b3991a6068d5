import { describe, expect, test } from 'vitest';
import { buildModel } from '$lib/models/build';
import { roundChannels } from '$lib/models/blocks/channels';
import { MODELS, createRegistry, getModel, modelFrom } from '$lib/models/registry';
import config from '$models/tiny-cnn/config';
import meta from '$models/tiny-cnn/meta';

type Modules = Record<string, unknown>;

const plugin = (folder: string, changes: object = {}): { metas: Modules; configs: Modules } => ({
  metas: { [`/models/${folder}/meta.ts`]: { default: { ...meta, id: folder, ...changes } } },
  configs: { [`/models/${folder}/config.ts`]: { default: config } },
});

function registryOf(...plugins: { metas: Modules; configs: Modules }[]) {
  const join = (parts: Modules[]): Modules => Object.assign({}, ...parts) as Modules;
  return createRegistry(join(plugins.map(({ metas }) => metas)), join(plugins.map(({ configs }) => configs)));
}

test('the models are listed with the smallest first', () => {
  const sizes = MODELS.map((entry) => entry.meta.parameters);
  expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
});

test('an unknown model is refused with the nearest name', () => {
  expect(() => getModel('resnet81')).toThrow('There is no model "resnet81"; did you mean "resnet18"?');
});

test('a broken plugin is named and takes no other down', () => {
  const { models, broken } = registryOf(
    plugin('good'),
    plugin('bad-count', { parameters: 'many' }),
    plugin('misnamed', { id: 'other' }),
    { metas: { '/models/empty/meta.ts': {} }, configs: {} },
  );
  expect([...models.keys()]).toEqual(['good']);
  expect(broken.map(({ folder }) => folder)).toEqual(['bad-count', 'misnamed', 'empty']);
  expect(broken[0].reason).toBe('meta.parameters must be a whole number of at least 1.');
});

const weights = {
  ...{ name: 'timm/some.in1k', data: 'ImageNet-1k', licence: 'MIT', bytes: 4e6, imageSize: 224 },
  ...{ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], interpolation: 'bicubic' },
};
const paper = { title: 'A net', authors: 'Somebody', year: 2020, url: 'https://example.org/paper' };

test('a plugin with a paper and published weights is taken', () => {
  const second = { ...weights, name: 'timm/other.in1k' };
  const { broken } = registryOf(plugin('good', { paper, pretrained: [weights, second] }));
  expect(broken).toEqual([]);
});

test.each([
  [{ flops: 0 }, 'meta.flops must be a whole number of at least 1.'],
  [{ minimumMemory: 1.5 }, 'meta.minimumMemory must be a whole number of at least 1.'],
  [
    { paper: { ...paper, url: 'paper.pdf' } },
    'meta.paper must be left out, or a title, authors, a year and an https address.',
  ],
  [{ pretrained: undefined }, 'meta.pretrained must be a list; empty where there are no weights.'],
  [{ pretrained: ['timm/some.in1k'] }, 'meta.pretrained[0] must be an object.'],
  [
    { pretrained: [{ ...weights, name: 'https://example.org/a' }] },
    'meta.pretrained[0] must have a name of the hub, as owner/weights.',
  ],
  [{ pretrained: [{ ...weights, licence: '' }] }, 'meta.pretrained[0] must say its data and its licence.'],
  [
    { pretrained: [{ ...weights, mean: [123, 117, 104] }] },
    'meta.pretrained[0] must have a mean of three numbers in 0..1.',
  ],
  [
    { pretrained: [{ ...weights, std: [0, 0, 0] }] },
    'meta.pretrained[0] must have a std of three numbers above 0, at most 1.',
  ],
  [
    { pretrained: [{ ...weights, interpolation: 'area' }] },
    'meta.pretrained[0] must have an interpolation of bilinear, bicubic, nearest.',
  ],
  [{ pretrained: [weights, weights] }, 'meta.pretrained[1] is listed twice.'],
  [
    { recommended: { imageSize: 100, batchSize: 8 }, sizeMultiple: 16 },
    'meta.recommended.imageSize must be at least 8 and a multiple of 16.',
  ],
  [{ id: 'imported' }, 'meta.id must be another than “imported”, which jobs use for networks from files.'],
])('a plugin with %j is broken, and the reason says so', (changes, reason) => {
  const { models, broken } = registryOf(plugin('good'), plugin('id' in changes ? 'imported' : 'bad', changes));
  expect([...models.keys()]).toEqual(['good']);
  expect(broken.map((plugin) => plugin.reason)).toEqual([reason]);
});

describe('a config that does not hold breaks its plugin', () => {
  const [easy, medium, advanced] = config.presets;
  const { width } = config.fields;
  test.each([
    [
      'a preset is missing',
      { presets: [easy, advanced] },
      'config.presets must be easy, medium, advanced, in this order.',
    ],
    [
      'a preset sets a field that there is not',
      { presets: [easy, medium, { ...advanced, values: { depth: 3 } }] },
      /^The preset advanced does not fit: .*"depth"/,
    ],
    [
      'a preset’s value is out of range',
      { presets: [{ ...easy, values: { width: 9 } }, medium, advanced] },
      'The preset easy does not fit: Width must be at least 0.25 and at most 4; found 9.',
    ],
    [
      'a preset has no title',
      { presets: [easy, { ...medium, title: '' }, advanced] },
      'The preset medium must have a title, a help text and values.',
    ],
    [
      'a field has no help',
      { fields: { width: { ...width, help: undefined } } },
      'The field width must have a title and a help text.',
    ],
    [
      'a field has an unknown type',
      { fields: { width: { ...width, type: 'slider' } } },
      /^The field width must have a type of number, integer/,
    ],
    [
      'a choice has no options',
      { fields: { kind: { ...width, type: 'choice', default: 'a' } } },
      'The field kind must have options.',
    ],
    [
      'a default does not fit its own field',
      { fields: { width: { ...width, default: 8 } } },
      /^The default of the field width does not fit/,
    ],
    ['a check is no function', { check: true }, 'config.check must be a function.'],
  ])('%s', (_, changes, reason) => {
    const { metas } = plugin('bad');
    const configs = { '/models/bad/config.ts': { default: { ...config, ...changes } } };
    const { models, broken } = createRegistry(metas, configs);
    expect(models.size).toBe(0);
    expect(broken).toEqual([{ folder: 'bad', reason: expect.stringMatching(reason) as string }]);
  });
});

test('a plugin without a config is broken', () => {
  const { metas } = plugin('lonely');
  expect(createRegistry(metas, {}).broken[0].reason).toMatch(/config.ts/);
});

test('two folders with one id are refused', () => {
  const twice = () => registryOf(plugin('some-model'), plugin('some_model', { id: 'some-model' }));
  expect(twice).toThrow('Two model folders have the id "some-model"; the second is models/some_model.');
});

test('an id is found in a registry of its own', () => {
  expect(modelFrom(registryOf(plugin('good')), 'good').meta.id).toBe('good');
});

describe('a request that does not fit is refused before anything is built', () => {
  const request = { config: {}, imageSize: [64, 64] as const, classes: 10 };
  test.each([
    ['an image that is too small', { ...request, imageSize: [16, 64] as const }, 'model-size'],
    ['a size that is no whole number', { ...request, imageSize: [64.5, 64] as const }, 'model-size'],
    ['no class', { ...request, classes: 0 }, 'model-classes'],
    ['an unknown setting', { ...request, config: { dropuot: 0.1 } }, 'model-config'],
    ['a setting out of range', { ...request, config: { dropout: 2 } }, 'model-config'],
  ])('%s', async (_, wrong, code) => {
    await expect(buildModel('resnet18', wrong)).rejects.toMatchObject({ code, badInput: true });
  });
});

test('a width scales tiny-cnn in multiples of eight channels', async () => {
  const graph = await buildModel('tiny-cnn', { config: { width: 0.25 }, imageSize: [32, 32], classes: 2 });
  const filters = graph.nodes.flatMap((node) => (node.op === 'conv2d' ? [node.attributes.filters] : []));
  expect(filters).toEqual([8, 16, 16, 32, 32, 64, 64]);
});

test('channels are rounded to the nearest multiple, never more than a tenth down', () => {
  // timm: make_divisible(16 * 0.5), make_divisible(24 * 0.5), make_divisible(96 * 1.4).
  expect([8, 12, 134.4, 1].map((channels) => roundChannels(channels))).toEqual([8, 16, 136, 8]);
});
