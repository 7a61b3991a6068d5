// Writes a Keras network as a graph: what the layer table builds with. Names are the file's layers', made fit for every format that a
// graph is exported to; where each parameter's values come from is noted beside.

import { GraphBuilder } from '$lib/graph/builder';
import type { Value } from '$lib/graph/builder';
import { elements, sameShape } from '$lib/graph/ops/operation';
import type { Pair, Shape } from '$lib/graph/types';
import { Unsupported } from './settings';
import type { LayerSettings } from './settings';

/** Finds the file's tensor that a layer calls `role` ('kernel'); null where there is none. */
export type FindTensor = (layer: LayerPlace, role: string, shape: Shape) => KerasTensor | null;

/** A layer, the models around it, and the roles of all its weights in Keras's order. */
export interface LayerPlace {
  name: string;
  /** Names of the models that it lies in, outermost first. */
  parents: readonly string[];
  roles: readonly string[];
}

export interface KerasTensor {
  name: string;
  shape: Shape;
  read(): Promise<Float32Array>;
}

/** Beyond this no picture's layer goes; a file that says so is damaged. */
const MAX_ELEMENTS = 2 ** 28;

export class NetworkWriter {
  readonly builder: GraphBuilder;
  /** For each parameter of the graph: a tensor of the file, or the number that all its values are. */
  readonly sources = new Map<string, KerasTensor | number>();
  readonly #names: Set<string>;
  readonly #find: FindTensor;

  constructor(
    imageSize: Pair,
    find: FindTensor,
    /** Of the Keras that wrote the file: 2 or 3. */
    readonly kerasVersion: number,
  ) {
    this.builder = new GraphBuilder(imageSize);
    this.#names = new Set([this.builder.input.id]);
    this.#find = find;
  }

  /** A free node id. '.' separates module paths in PyTorch, ':' outputs in TensorFlow; '/' is fine everywhere. */
  name(layer: string): string {
    const safe = layer.replaceAll(/[^A-Za-z0-9_/-]/g, '_').replace(/^[^A-Za-z0-9]/, 'layer_$&');
    for (let count = 1; ; count++) {
      const name = count === 1 ? safe : `${safe}_${count}`;
      if (this.#names.has(name)) continue;
      this.#names.add(name);
      return name;
    }
  }

  /** Notes the tensor of `parameter`. Throws Unsupported where the file has none of that shape. */
  take(
    parameter: string,
    layer: LayerSettings,
    place: LayerPlace,
    roles: string | readonly string[],
    shape: Shape,
  ): void {
    const wanted = typeof roles === 'string' ? [roles] : roles;
    for (const role of wanted) {
      const found = this.#find(place, role, shape);
      if (found === null) continue;
      if (!sameShape(found.shape, shape)) {
        throw layer.unsupported(
          `has weights "${found.name}" of shape [${found.shape.join(', ')}] where its settings ask for [${shape.join(', ')}]`,
        );
      }
      this.sources.set(parameter, found);
      return;
    }
    throw layer.unsupported(`has no weights "${wanted[0]}" in the file`);
  }

  /** The numbers of a tensor that becomes part of the graph itself. */
  async values(layer: LayerSettings, place: LayerPlace, role: string, length: number): Promise<readonly number[]> {
    const found = this.#find(place, role, [length]);
    if (found === null) throw layer.unsupported(`has no weights "${role}" in the file`);
    if (elements(found.shape) !== length) throw layer.unsupported(`has ${elements(found.shape)} values as "${role}"`);
    return [...(await found.read())];
  }

  fill(parameter: string, value: number): void {
    this.sources.set(parameter, value);
  }

  /** y = x * scale + shift, the same for all channels. */
  affine(name: string, x: Value, scale: number | readonly number[], shift: number | readonly number[]): Value {
    const channels = x.shape[x.shape.length - 1];
    // Longer ones than any image has would only take memory.
    if (channels > 2 ** 16) throw new Unsupported('affine', `A layer scales ${channels} channels.`);
    const all = (value: number | readonly number[]): readonly number[] =>
      typeof value === 'number' ? Array<number>(channels).fill(value) : value;
    return this.builder.affine(x, { scale: all(scale), shift: all(shift) }, name);
  }

  /** Refuses outputs that no machine could hold. */
  checked(layer: LayerSettings, value: Value): Value {
    if (elements(value.shape) <= MAX_ELEMENTS) return value;
    throw layer.unsupported(`would give ${value.shape.join(' x ')} values`);
  }
}
