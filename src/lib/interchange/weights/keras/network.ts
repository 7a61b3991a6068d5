// Turns a Keras model into a graph that trains: walks its layers, applies the table's rule to each, and cuts the end to logits.

import { TrainyardError } from '$lib/core/errors';
import type { Value } from '$lib/graph/builder';
import { elements } from '$lib/graph/ops/operation';
import type { Graph, Pair, ParameterValues } from '$lib/graph/types';
import type { ArchitectureResult, InputPreprocess } from '../contract';
import type { JsonObject } from '../json-file';
import { quoted } from '../unreadable';
import { finishGraph } from './finish';
import { LAYERS } from './layers';
import { OPERATIONS, OPERATION_LAYERS, operationOf } from './operations';
import { LayerSettings, Unsupported } from './settings';
import { readTopology } from './topology';
import type { Call, KerasLayer, KerasModel } from './topology';
import { NetworkWriter } from './writer';
import type { FindTensor, KerasTensor } from './writer';

/** What fits where the model leaves the size of its images open. */
const USUAL_SIZE = 224;
/** Layers may stand in any order; real files need one pass. */
const MAX_PASSES = 50;

export type KerasNetwork =
  | {
      kind: 'graph';
      title: string;
      graph: Graph;
      sources: ReadonlyMap<string, KerasTensor | number>;
      /** It scales images itself and wants them in 0..255. */
      raw: boolean;
    }
  | { kind: 'unsupported'; reason: string; unsupported: readonly string[] };

/** Reads no values but those of a Normalization layer. Throws nothing. */
export async function importKeras(topology: JsonObject, find: FindTensor): Promise<KerasNetwork> {
  try {
    const { model, version } = readTopology(topology);
    const unknown = [...new Set(unknownLayers(model))];
    if (unknown.length > 0) {
      const names = unknown.slice(0, 8).map(quoted).join(', ');
      const reason = `The network has layers that Trainyard has not: ${names}${unknown.length > 8 ? ', ...' : ''}.`;
      return { kind: 'unsupported', reason, unsupported: unknown };
    }
    const writer = new NetworkWriter(imageSizeOf(model), find, version);
    const output = await new Walk(writer).model(model, [writer.builder.input], []);
    const graph = finishGraph(writer.builder.build(output));
    return { kind: 'graph', title: model.name, graph, sources: writer.sources, raw: readsBytes(graph) };
  } catch (error) {
    if (error instanceof Unsupported) return { kind: 'unsupported', reason: error.message, unsupported: [error.what] };
    // A shape rule that does not hold: the topology contradicts itself.
    if (error instanceof TrainyardError) return { kind: 'unsupported', reason: error.message, unsupported: [] };
    throw error;
  }
}

/** The network with its values. Throws nothing. */
export async function architectureOf(network: KerasNetwork): Promise<ArchitectureResult> {
  if (network.kind === 'unsupported') return network;
  const { title, graph, sources } = network;
  const parameters = new Map<string, Float32Array>();
  for (const { name, shape } of graph.parameters) {
    const source = sources.get(name) ?? 0;
    if (typeof source === 'number') {
      parameters.set(name, new Float32Array(elements(shape)).fill(source));
      continue;
    }
    try {
      parameters.set(name, await source.read());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { kind: 'unsupported', reason: `The weights "${source.name}" cannot be read: ${reason}`, unsupported: [] };
    }
  }
  const values: ParameterValues = parameters;
  return { kind: 'graph', architecture: { title, graph, parameters: values } };
}

/** What a network that scales 0..255 itself wants of an image; null for others, which do not say. */
export function rawPreprocess(network: KerasNetwork): InputPreprocess | null {
  if (network.kind !== 'graph' || !network.raw) return null;
  const [height, width] = network.graph.nodes[0].shape;
  return {
    mean: [0, 0, 0],
    std: [1 / 255, 1 / 255, 1 / 255],
    imageSize: [height, width],
    resize: null,
    interpolation: null,
  };
}

/** The first thing that happens to the image is a division by something like 255. */
function readsBytes(graph: Graph): boolean {
  const first = graph.nodes.filter(({ inputs }) => inputs.includes(graph.nodes[0].id));
  const [scaling] = first;
  return first.length === 1 && scaling.op === 'affine' && scaling.attributes.scale.every((one) => Math.abs(one) < 0.1);
}

function* unknownLayers(model: KerasModel): Generator<string> {
  for (const { kind, config, model: inner } of model.layers) {
    if (inner !== null) yield* unknownLayers(inner);
    else if (OPERATION_LAYERS.has(kind)) {
      const operation = operationOf(config);
      if (!Object.hasOwn(OPERATIONS, operation)) yield `${kind} (${operation.slice(0, 60)})`;
    } else if (kind !== 'InputLayer' && !Object.hasOwn(LAYERS, kind)) yield kind;
  }
}

/** [height, width] of the images that the model reads. Throws Unsupported where it reads something else. */
function imageSizeOf(model: KerasModel): Pair {
  const shape = inputShapeOf(model);
  if (shape === null) throw new Unsupported('input', 'The model does not say what shape its input has.');
  const [, height, width, channels] = shape.map((length) => (typeof length === 'number' ? length : null));
  if (shape.length !== 4 || channels !== 3) {
    const shown = shape.map((length) => (typeof length === 'number' ? length : '?')).slice(1, 9);
    throw new Unsupported('input', `The model reads inputs of shape [${shown.join(', ')}], not colour images.`);
  }
  const size = [height ?? USUAL_SIZE, width ?? USUAL_SIZE] as const;
  if (size.some((length) => !Number.isInteger(length) || length < 1 || length > 8192)) {
    throw new Unsupported('input', `The model reads images of ${size.join(' x ')}.`);
  }
  return size;
}

function inputShapeOf(model: KerasModel): readonly unknown[] | null {
  const first =
    model.ends === null ? model.layers[0] : model.layers.find(({ name }) => name === model.ends?.inputs[0]?.layer);
  if (first === undefined) return null;
  for (const key of ['batch_input_shape', 'batch_shape', 'batchInputShape']) {
    const found = Object.hasOwn(first.config, key) ? first.config[key] : undefined;
    if (Array.isArray(found)) return found;
  }
  return (first.model === null ? null : inputShapeOf(first.model)) ?? model.built;
}

class Walk {
  readonly #writer: NetworkWriter;

  constructor(writer: NetworkWriter) {
    this.#writer = writer;
  }

  model(model: KerasModel, inputs: readonly Value[], parents: readonly string[]): Promise<Value> {
    return model.ends === null
      ? this.#sequential(model, inputs, parents)
      : this.#functional(model, model.ends, inputs, parents);
  }

  async #sequential(model: KerasModel, inputs: readonly Value[], parents: readonly string[]): Promise<Value> {
    let values = inputs;
    for (const layer of model.layers) {
      if (layer.kind !== 'InputLayer') values = [await this.#layer(layer, values, parents, null)];
    }
    return single(values, model.name);
  }

  async #functional(
    model: KerasModel,
    { inputs: entries, outputs }: { inputs: Call; outputs: Call },
    inputs: readonly Value[],
    parents: readonly string[],
  ): Promise<Value> {
    if (entries.length !== 1 || outputs.length !== 1) {
      const found = `${entries.length} inputs and ${outputs.length} outputs`;
      throw new Unsupported('several inputs or outputs', `The model ${quoted(model.name)} has ${found}.`);
    }
    const values = new Map<string, Value>();
    const key = (layer: string, node: number): string => `${node}:${layer}`;
    values.set(key(entries[0].layer, entries[0].node), single(inputs, model.name));
    let waiting = model.layers.flatMap((layer) => {
      const calls = (layer.calls ?? []).filter(({ reads }) => reads.length > 0);
      const weighted = layer.model !== null || (LAYERS[layer.kind]?.roles?.length ?? 0) > 0;
      if (calls.length > 1 && weighted) {
        throw new Unsupported('shared layer', `The layer ${quoted(layer.name)} is used in ${calls.length} places.`);
      }
      return calls.map((call, node) => ({ layer, call, node }));
    });
    const wanted = key(outputs[0].layer, outputs[0].node);
    for (let pass = 0; waiting.length > 0 && pass < MAX_PASSES; pass++) {
      const later: typeof waiting = [];
      for (const one of waiting) {
        const read = one.call.reads.map(({ layer, node }) => values.get(key(layer, node)));
        const ready = read.filter((value) => value !== undefined);
        if (ready.length < read.length) later.push(one);
        else values.set(key(one.layer.name, one.node), await this.#layer(one.layer, ready, parents, one.call.constant));
      }
      if (later.length === waiting.length) break;
      waiting = later;
    }
    const output = values.get(wanted);
    if (output !== undefined) return output;
    throw new Unsupported('model', `The output ${quoted(outputs[0].layer)} of the model ${quoted(model.name)} is not computed.`); // prettier-ignore
  }

  async #layer(
    layer: KerasLayer,
    inputs: readonly Value[],
    parents: readonly string[],
    constant: number | null,
  ): Promise<Value> {
    if (layer.model !== null) return this.model(layer.model, inputs, [...parents, layer.name]);
    const settings = new LayerSettings(layer.kind, layer.name, layer.config);
    const rule = LAYERS[layer.kind];
    if (rule.inputs !== 'many') single(inputs, layer.name);
    const id = this.#writer.name(layer.name);
    const value = await rule.write({ writer: this.#writer, layer: settings, parents, inputs, constant, id });
    return this.#writer.checked(settings, value);
  }
}

function single(values: readonly Value[], name: string): Value {
  const [value, ...others] = values;
  if (value !== undefined && others.length === 0) return value;
  throw new Unsupported('several inputs', `${quoted(name)} reads ${values.length} inputs.`);
}
