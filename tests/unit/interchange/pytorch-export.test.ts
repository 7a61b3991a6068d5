// model.pth: PyTorch reads it, also when it is told to run nothing; every model has the names, shapes and bits of its state dict.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { toPyTorch } from '$lib/graph/layout';
import { elements } from '$lib/graph/ops/operation';
import type { Graph, ParameterValues } from '$lib/graph/types';
import { bytesOf, readBytes } from '$lib/interchange/bytes';
import { readPyTorchParameters } from '$lib/interchange/pytorch/parameters';
import { writePyTorch } from '$lib/interchange/pytorch/write';
import { writeSafetensors } from '$lib/interchange/safetensors/parameters';
import { buildModel } from '$lib/models/build';
import { MODELS } from '$lib/models/registry';
import { parityFiles } from '../../parity/files';
import { graphCases } from './support/graphs';
import { trainedModel } from './support/models';
import { findPython, runPython, skipWithout } from './support/python';

const graphs = graphCases.map(({ graph }) => graph).filter(({ parameters }) => parameters.length > 0);

const folder = mkdtempSync(join(tmpdir(), 'trainyard-pth-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('parameters come back bit for bit, whatever the operation', async () => {
  for (const graph of graphs) {
    const trained = trainedModel(graph);
    expect(await readPyTorchParameters(graph, writePyTorch(trained), 'model.pth')).toEqual(trained.parameters);
  }
});

test('contents lie at multiples of 64 bytes, and equal weights give equal files', async () => {
  const [graph] = graphs;
  const bytes = await readBytes(writePyTorch(trainedModel(graph)));
  expect(await readBytes(writePyTorch(trainedModel(graph)))).toEqual(bytes);
  const view = new DataView(bytes.buffer);
  let at = 0;
  let entries = 0;
  for (; view.getUint32(at, true) === 0x04034b50; entries++) {
    const content = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
    expect(content % 64).toBe(0);
    at = content + view.getUint32(at + 18, true);
  }
  expect(entries).toBe(graph.parameters.length + 3);
});

test('a model without values for a parameter is refused', () => {
  const [graph] = graphs;
  expect(() => writePyTorch({ graph, parameters: new Map() })).toThrow(/no values for/);
});

/** Other values in every tensor, made fast: these are 150 million. */
function quickParameters(graph: Graph): ParameterValues {
  return new Map(
    graph.parameters.map(({ name, shape }, index) => {
      const values = new Float32Array(elements(shape));
      for (let at = 0; at < values.length; at++) values[at] = ((at * 40503 + index) & 0xffff) / 0x10000;
      return [name, values];
    }),
  );
}

const digest = (values: Float32Array): string => createHash('sha256').update(bytesOf(values)).digest('hex');

const torch = findPython(['torch', 'torchvision']);

describe('PyTorch', () => {
  skipWithout(torch, ['torch', 'torchvision']);

  const SCRIPT = `import collections, hashlib, json, sys, torch, torchvision
for path in sys.argv[1:]:
    state = torch.load(path)
    assert type(state) is collections.OrderedDict, type(state)
    names = list(state)
    assert list(torch.load(path, weights_only=True)) == names
    model = path.split(".")[0]
    # The safetensors of the same model, read by the format's own rules: the package is not Debian's.
    raw = open(model + ".safetensors", "rb").read()
    begin = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:begin])
    header.pop("__metadata__")
    assert sorted(header) == sorted(names), model
    for name, entry in header.items():
        first, end = (begin + offset for offset in entry["data_offsets"])
        dtype = {"F32": torch.float32, "I64": torch.int64}[entry["dtype"]]
        assert torch.equal(torch.frombuffer(bytearray(raw[first:end]), dtype=dtype).reshape(entry["shape"]), state[name]), name
    if model in ("resnet18", "resnet34", "resnet50"):
        getattr(torchvision.models, model)(num_classes=10).load_state_dict(state, strict=True)
    print(json.dumps([[name, list(t.shape), str(t.dtype), t.is_contiguous(), hashlib.sha256(t.numpy().tobytes()).hexdigest()] for name, t in state.items()]))`;

  test('loads every registered model with the names of its own', { timeout: 300_000 }, async () => {
    const expected: { id: string; tensors: unknown[] }[] = [];
    for (const { meta } of MODELS) {
      const { imageSize } = meta.recommended;
      const graph = await buildModel(meta.id, { config: {}, imageSize: [imageSize, imageSize], classes: 10 });
      const parameters = quickParameters(graph);
      writeFileSync(join(folder, `${meta.id}.pth`), await readBytes(writePyTorch({ graph, parameters })));
      const model = trainedModel(graph, { parameters });
      writeFileSync(join(folder, `${meta.id}.safetensors`), await readBytes(writeSafetensors(model)));
      const zero = createHash('sha256').update(new Uint8Array(8)).digest('hex');
      const tensors = graph.parameters.flatMap((specification) => {
        const { name } = specification;
        const { shape, values } = toPyTorch(specification, parameters.get(name) ?? new Float32Array(0));
        const tensor = [name, shape, 'torch.float32', true, digest(values)];
        if (!name.endsWith('.running_var')) return [tensor];
        return [tensor, [name.replace('running_var', 'num_batches_tracked'), [], 'torch.int64', true, zero]];
      });
      expected.push({ id: meta.id, tensors });
    }
    const lines = runPython(torch ?? '', ['-B', '-c', SCRIPT, ...expected.map(({ id }) => `${id}.pth`)], folder)
      .trim()
      .split('\n');
    expect(lines.length).toBe(expected.length);
    const names = new Map<string, string[]>();
    for (const [index, { id, tensors }] of expected.entries()) {
      const found: [string, ...unknown[]][] = JSON.parse(lines[index]);
      expect(found, id).toEqual(tensors);
      names.set(
        id,
        found.map(([name]) => name).filter((name) => !name.endsWith('num_batches_tracked')),
      );
    }
    // The names that timm's own state dict has, in its order.
    for (const { model, parity } of parityFiles()) {
      expect(names.get(model), model).toEqual(parity.tensors.map(([name]) => name));
    }
  });
});
