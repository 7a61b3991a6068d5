// The layers of a Keras model as its configuration lists them: Sequential and functional, one inside the other, of Keras 2 and 3 and
// of TensorFlow.js. Knows nothing of what a layer does.

import { isObject } from '$lib/core/path';
import { listOf, property } from '../json-file';
import type { JsonObject } from '../json-file';
import { quoted } from '../unreadable';
import { Unsupported } from './settings';

/** An output of a layer. */
interface Reference {
  layer: string;
  node: number;
}

/** One application of a layer: the outputs that it reads. */
export type Call = readonly Reference[];

/** The same with what else it was called with, which matters for bare operations alone. */
export interface Application {
  reads: Call;
  /** A number that the operation takes beside its tensor. */
  constant: number | null;
}

export interface KerasLayer {
  kind: string;
  name: string;
  config: JsonObject;
  /** Null for a layer of a Sequential, which reads the one before it. */
  calls: readonly Application[] | null;
  /** The layers within, when it is a model itself. */
  model: KerasModel | null;
}

export interface KerasModel {
  name: string;
  layers: readonly KerasLayer[];
  /** Null for a Sequential. */
  ends: { inputs: Call; outputs: Call } | null;
  /** [null, height, width, channels] where the model itself says so (Keras 3's Sequential). */
  built: readonly unknown[] | null;
}

const MODELS: ReadonlySet<string> = new Set(['Sequential', 'Model', 'Functional']);
/** Teachable Machine nests three deep. */
const MAX_DEPTH = 16;
const MAX_LAYERS = 20_000;

/** The model that `topology` describes. Throws Unsupported. */
export function readTopology(topology: JsonObject): { model: KerasModel; version: number } {
  const inner = property(topology, 'model_config') ?? topology;
  const model = isObject(inner) ? modelOf(inner, 0) : null;
  if (model === null) {
    const kind = isObject(inner) ? property(inner, 'class_name') : undefined;
    const found = typeof kind === 'string' ? `a ${quoted(kind)}` : 'nothing with a class_name';
    throw new Unsupported('model', `The topology is ${found}, not a Sequential or functional model of layers.`);
  }
  // 'tfjs-layers 4.22.0' follows Keras 2.
  const version = property(topology, 'keras_version');
  return { model, version: typeof version === 'string' && /^[3-9]/.test(version) ? 3 : 2 };
}

/** Null when it is no model. */
function modelOf(data: JsonObject, depth: number): KerasModel | null {
  const kind = property(data, 'class_name');
  if (typeof kind !== 'string' || !MODELS.has(kind)) return null;
  if (depth > MAX_DEPTH) throw new Unsupported('nesting', `The model nests deeper than ${MAX_DEPTH} models.`);
  const config = property(data, 'config');
  // Before Keras 2.2.3 the configuration of a Sequential was the bare list.
  const settings: JsonObject = isObject(config) ? config : {};
  const list = listOf(Array.isArray(config) ? config : property(settings, 'layers'));
  if (list.length === 0) throw new Unsupported('model', 'The model has no layers.');
  if (list.length > MAX_LAYERS) throw new Unsupported('model', `The model has ${list.length} layers.`);
  const functional = kind !== 'Sequential';
  const name = property(settings, 'name');
  const built = property(settings, 'build_input_shape');
  return {
    name: typeof name === 'string' ? name : 'model',
    layers: list.map((layer) => layerOf(layer, functional, depth)),
    ends: functional ? { inputs: endsOf(settings, 'input_layers'), outputs: endsOf(settings, 'output_layers') } : null,
    built: Array.isArray(built) ? built : null,
  };
}

function layerOf(data: unknown, functional: boolean, depth: number): KerasLayer {
  if (!isObject(data)) throw damaged('a layer is no object');
  const kind = property(data, 'class_name');
  const config = property(data, 'config');
  const settings: JsonObject = isObject(config) ? config : {};
  const name = property(data, 'name') ?? property(settings, 'name');
  if (typeof kind !== 'string') throw damaged('a layer has no class_name');
  const model = modelOf(data, depth + 1);
  // A Sequential whose configuration is a bare list says no name.
  if (typeof name !== 'string' && model === null) throw damaged(`a ${quoted(kind)} has no name`);
  return {
    kind,
    name: typeof name === 'string' ? name : (model?.name ?? kind),
    config: settings,
    calls: functional ? listOf(property(data, 'inbound_nodes')).map(callOf) : null,
    model,
  };
}

/** Keras 2: [["layer", 0, 0, {}], ...]. Keras 3: { args, kwargs } with tensors somewhere in them. */
function callOf(data: unknown): Application {
  const reads: Reference[] = [];
  if (isObject(data)) {
    collectTensors(property(data, 'args'), reads, 0);
    if (reads.length === 0) collectTensors(property(data, 'kwargs'), reads, 0);
    const constant = listOf(property(data, 'args')).find((value) => typeof value === 'number');
    return { reads, constant: constant ?? null };
  }
  // The call of an operation is the reference itself: ["layer", 0, 0, { y: 3 }] or { y: ["other", 0, 0] }.
  const list = listOf(data);
  let constant: number | null = null;
  for (const item of typeof list[0] === 'string' ? [list] : list) {
    reads.push(referenceOf(item));
    const settings = listOf(item)[3];
    const y = isObject(settings) ? property(settings, 'y') : undefined;
    if (typeof y === 'number') constant = y;
    else if (Array.isArray(y) && typeof y[0] === 'string') reads.push(referenceOf(y));
  }
  return { reads, constant };
}

function collectTensors(value: unknown, found: Reference[], depth: number): void {
  if (depth > MAX_DEPTH) return;
  if (Array.isArray(value)) for (const item of value as readonly unknown[]) collectTensors(item, found, depth + 1);
  if (!isObject(value)) return;
  const config = property(value, 'config');
  if (property(value, 'class_name') === '__keras_tensor__' && isObject(config)) {
    found.push(referenceOf(property(config, 'keras_history')));
  }
}

function endsOf(settings: JsonObject, key: string): Call {
  const list = listOf(property(settings, key));
  // A single one may stand without its list.
  return typeof list[0] === 'string' ? [referenceOf(list)] : list.map(referenceOf);
}

function referenceOf(value: unknown): Reference {
  const [layer, node, tensor] = listOf(value);
  if (typeof layer !== 'string' || !Number.isInteger(node)) throw damaged('a connection between layers is unreadable');
  if (tensor !== 0 && tensor !== undefined) {
    throw new Unsupported('several outputs', `The model reads output ${String(tensor)} of the layer ${quoted(layer)}.`);
  }
  return { layer, node: Number(node) };
}

function damaged(found: string): Unsupported {
  return new Unsupported('model', `The topology is damaged: ${found}.`);
}
