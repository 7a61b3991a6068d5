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
