// The walk through an ONNX graph that writes ours: names, parameters, and what an operation's reader may ask for. The operations
// themselves are in operations/.

import { GraphBuilder } from '$lib/graph/builder';
import type { Value } from '$lib/graph/builder';
import { zeros } from '$lib/graph/initializers';
import { fromPyTorch } from '$lib/graph/layout';
import { elements } from '$lib/graph/ops/operation';
import type { Graph, Pair, ParameterSpecification, Shape } from '$lib/graph/types';
import { constant, numbers, Unsupported } from './constant';
import type { Constant } from './constant';
import type { FileNode, OnnxFile } from './file';
import { uniqueNames } from './names';
import type { Naming } from './names';
import { readTensor } from './tensor';
import type { StoredTensor } from './tensor';
import { onnxShape } from './traced';
import type { Activation, Traced } from './traced';

/** What a node gives; several outputs in order. */
export type Outcome = Traced | readonly Traced[];

/** Reads one operation. */
export type Reader = (node: NodeReader) => Promise<Outcome> | Outcome;

export interface AffineStep {
  x: Value;
  scale: readonly number[];
  shift: readonly number[];
}

export class Importer {
  readonly builder: GraphBuilder;
  readonly parameters = new Map<string, Float32Array>();
  readonly values = new Map<string, Traced>();
  readonly names: Naming;
  /** Nodes that read a tensor. */
  readonly readers = new Map<string, FileNode[]>();
  readonly #affines = new Map<string, AffineStep>();
  /** Activations by the value that they give: gates of SiLU and hard-swish are found here. */
  readonly gates = new Map<string, { x: Value; kind: 'sigmoid' | 'hard_sigmoid' }>();
  /** Images by the value that a reshape to [groups, the rest] has made of them. */
  readonly regrouped = new Map<string, { x: Activation; groups: number }>();
  /** Results of nodes that were read together with an earlier one. */
  readonly merged = new Map<FileNode, Traced>();

  constructor(
    readonly file: OnnxFile,
    /** [height, width] */
    imageSize: Pair,
    /** The fixed length of the batch axis; 1 where it is free. */
    readonly batch: number,
    nodes: readonly FileNode[],
  ) {
    this.builder = new GraphBuilder(imageSize);
    const aliases = nodes.filter(({ op }) => op === 'Identity').map(({ outputs }) => outputs[0] ?? '');
    this.names = uniqueNames([...file.initializers.keys(), ...aliases]);
    for (const node of nodes) {
      for (const input of new Set(node.inputs)) {
        const found = this.readers.get(input);
        if (found === undefined) this.readers.set(input, [node]);
        else found.push(node);
      }
    }
    for (const tensor of file.initializers.values()) this.values.set(tensor.name, this.stored(tensor, tensor.name));
  }

  stored(tensor: StoredTensor, name: string | null): Constant {
    return constant(tensor.shape, tensor.kind, () => readTensor(this.file.blob, tensor), name);
  }

  /** The only node that reads this tensor, where nothing else does. */
  onlyReader(tensor: string): FileNode | null {
    if (this.file.outputs.some(({ name }) => name === tensor)) return null;
    const [reader, ...others] = this.readers.get(tensor) ?? [];
    return reader === undefined || others.length > 0 ? null : reader;
  }

  /** Puts values under the name of a parameter that the builder has just made. */
  async assign(name: string, source: Constant, layout: ParameterSpecification['layout'], shape: Shape): Promise<void> {
    const values = await source.read();
    if (values.length !== elements(shape)) {
      throw new Unsupported(`"${name}" has ${values.length} values where [${shape.join(', ')}] are needed.`);
    }
    const floats = values instanceof Float32Array ? values : Float32Array.from(values);
    const ours = fromPyTorch({ layout, shape }, floats);
    // The array must not be shared: training changes it.
    this.parameters.set(name, ours === values ? ours.slice() : ours);
  }

  /** A learned tensor as a node. */
  async parameter(name: string, source: Constant, shape: Shape): Promise<Value> {
    const value = this.builder.parameter(name, shape, zeros);
    await this.assign(name, source, 'plain', shape);
    return value;
  }

  /** Something that training changes has been read already. */
  get learned(): boolean {
    return this.parameters.size > 0;
  }

  /** y = x * scale + shift along our last axis; nothing where it undoes the step before it, as the 2 * 0.5 of a GELU. */
  affine(x: Value, scale: readonly number[], shift: readonly number[]): Value {
    if (![...scale, ...shift].every(Number.isFinite)) throw new Unsupported('One of its constants is not a number.');
    const before = this.#affines.get(x.id);
    // float32 constants leave a rounding.
    const is = (value: number, wanted: number): boolean => Math.abs(value - wanted) < 1e-7;
    const undone = before?.scale.every(
      (value, c) => is(value * scale[c], 1) && is(before.shift[c] * scale[c], -shift[c]),
    );
    if (before !== undefined && undone === true) return before.x;
    if (scale.every((value) => is(value, 1)) && shift.every((value) => value === 0)) return x;
    const y = this.builder.affine(x, { scale, shift });
    this.#affines.set(y.id, { x, scale, shift });
    return y;
  }

  /** What an affine step reads and does, where `value` is one. */
  affineOf(value: Value): AffineStep | null {
    return this.#affines.get(value.id) ?? null;
  }

  /** What the walk has made, without what nothing needs. */
  finish(output: Value, features: Value | null): { graph: Graph; parameters: Map<string, Float32Array> } {
    const whole = this.builder.build(output, features === null ? {} : { features });
    const byId = new Map(whole.nodes.map((node) => [node.id, node]));
    const needed = new Set<string>([whole.nodes[0].id]);
    const pending = [output.id, ...(features === null ? [] : [features.id])];
    for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
      if (needed.has(id)) continue;
      needed.add(id);
      pending.push(...(byId.get(id)?.inputs ?? []));
    }
    const nodes = whole.nodes.filter(({ id }) => needed.has(id));
    const used = new Set(nodes.flatMap((node) => Object.values(node.parameters)));
    const parameters = new Map<string, Float32Array>();
    for (const { name } of whole.parameters) {
      const values = this.parameters.get(name);
      if (used.has(name) && values !== undefined) parameters.set(name, values);
    }
    const graph = { ...whole, nodes, parameters: whole.parameters.filter(({ name }) => used.has(name)) };
    return { graph, parameters };
  }
}

/** One node with its inputs, as the reader of its operation sees it. */
export class NodeReader {
  constructor(
    readonly importer: Importer,
    readonly node: FileNode,
    readonly opset: number,
  ) {}

  get builder(): GraphBuilder {
    return this.importer.builder;
  }

  /** For the error of an operation that is known but not in this form. */
  unsupported(found: string): Unsupported {
    const { op, name } = this.node;
    return new Unsupported(`${op}${name === '' ? '' : ` "${name}"`} ${found}.`, [op]);
  }

  /** The tensor that input `index` names; null where it is left out. */
  input(index: number): Traced | null {
    const name = this.node.inputs.at(index) ?? '';
    if (name === '' || index >= this.node.inputs.length) return null;
    const value = this.importer.values.get(name);
    if (value === undefined) throw this.unsupported(`reads "${name}", which nothing before it makes`);
    return value;
  }

  activation(index: number): Activation {
    const value = this.input(index);
    if (value?.what === 'activation') return value;
    if (value === null) throw this.unsupported(`lacks its input ${index + 1}`);
    throw this.unsupported(value.what === 'constant' ? 'works on a constant' : 'reads a part of another operation');
  }

  constant(index: number): Constant {
    const value = this.input(index);
    if (value?.what === 'constant') return value;
    throw this.unsupported(
      value === null ? `lacks its input ${index + 1}` : `has an input ${index + 1} that depends on the image`,
    );
  }

  optionalConstant(index: number): Constant | null {
    return this.input(index) === null ? null : this.constant(index);
  }

  /** A setting that newer versions take as input and older ones as attribute; null where it is in neither. */
  async setting(index: number, attribute: string): Promise<readonly number[] | null> {
    const value = this.optionalConstant(index);
    return value === null ? this.list(attribute) : numbers(value);
  }

  int(name: string, otherwise: number): number {
    const found = this.node.attributes.get(name);
    return found?.type === 'int' ? found.value : otherwise;
  }

  /** Float or int attribute. */
  number(name: string, otherwise: number): number {
    const found = this.node.attributes.get(name);
    return found?.type === 'float' || found?.type === 'int' ? found.value : otherwise;
  }

  text(name: string, otherwise: string): string {
    const found = this.node.attributes.get(name);
    return found?.type === 'string' ? found.value : otherwise;
  }

  /** A list of numbers; null where there is none. */
  list(name: string): readonly number[] | null {
    const found = this.node.attributes.get(name);
    return found?.type === 'ints' || found?.type === 'floats' ? found.value : null;
  }

  pair(name: string, otherwise: Pair): Pair {
    const found = this.list(name);
    if (found === null) return otherwise;
    if (found.length !== 2) throw this.unsupported(`has ${name} of ${found.length} axes; only images have two`);
    return [found[0], found[1]];
  }

  shapeOf(x: Activation): Shape {
    return onnxShape(x, this.importer.batch);
  }

  /** The layer's name: that of the weight without its role, else the node's. */
  layerName(...parameters: readonly (Constant | null)[]): string {
    return this.importer.names.layer(
      this.node,
      parameters.map((parameter) => parameter?.name ?? null),
    );
  }

  /** For the layer that this node becomes. */
  name(): string {
    return this.importer.names.node(this.node);
  }
}
