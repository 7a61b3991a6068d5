// Collects the nodes and constants of a GraphDef while a model's operations are lowered one after another.

import { TrainyardError } from '$lib/core/errors';
import type { GraphDefEmitter } from '$lib/graph/ops/graphdef-lowering';
import { elements } from '$lib/graph/ops/operation';
import type { Graph, ParameterValues, Shape } from '$lib/graph/types';
import type { GraphDefAttribute, GraphDefGraph, GraphDefNode, GraphDefWeight } from './model';

/** Constants of the writer's own live here, away from parameter names. */
const CONSTANTS = 'constant';

export class GraphDefBuilder implements GraphDefEmitter {
  readonly nodes: GraphDefNode[] = [];
  readonly #weights = new Map<string, GraphDefWeight>();
  /** Constants by content, so that the same one is stored once. */
  readonly #constants = new Map<string, string>();
  readonly #names = new Set<string>();
  /** The layer being lowered; its nodes are named after it. */
  scope = '';
  #batch: string | undefined;

  /** `reserved` are names that the writer gives to nodes itself. */
  constructor(
    readonly input: string,
    readonly graph: Graph,
    readonly parameters: ParameterValues,
    reserved: readonly string[],
  ) {
    for (const name of [input, ...reserved]) this.#names.add(name);
  }

  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, GraphDefAttribute>> = {},
    name = this.#unique(this.scope === '' ? op : `${this.scope}/${op}`),
  ): string {
    this.nodes.push({ name, op, inputs, attributes });
    return name;
  }

  parameter(name: string): string {
    if (this.#weights.has(name)) return name;
    const specification = this.graph.parameters.find((parameter) => parameter.name === name);
    const values = this.parameters.get(name);
    if (specification === undefined || values?.length !== elements(specification.shape)) {
      throw new TrainyardError(
        'parameter-missing',
        `The model has no values for "${name}".`,
        'Train or load it again.',
      );
    }
    this.#weights.set(name, { name, shape: specification.shape, values });
    this.#names.add(name);
    return name;
  }

  floats(values: readonly number[], shape: Shape): string {
    return this.#constant(`f ${shape.join()} ${values.join()}`, shape, () => Float32Array.from(values));
  }

  ints(values: readonly number[], shape: Shape = [values.length]): string {
    return this.#constant(`i ${shape.join()} ${values.join()}`, shape, () => Int32Array.from(values));
  }

  batchShape(shape: Shape): string {
    if (this.#batch === undefined) {
      const scope = this.scope;
      this.scope = 'batch';
      // [batch, height, width, 3] -> batch: the scalar that Pack takes.
      this.#batch = this.node(
        'StridedSlice',
        [this.node('Shape', [this.input]), this.ints([0]), this.ints([1]), this.ints([1])],
        { shrink_axis_mask: { type: 'int', value: 1 } },
      );
      this.scope = scope;
    }
    return this.node('Pack', [this.#batch, ...shape.map((length) => this.ints([length], []))], {
      axis: { type: 'int', value: 0 },
    });
  }

  /** The nodes and constants that `outputs` need. */
  finish(outputs: readonly string[]): GraphDefGraph {
    const needed = new Set(outputs);
    const nodes: GraphDefNode[] = [];
    for (const node of this.nodes.toReversed()) {
      if (!needed.has(node.name)) continue;
      for (const name of node.inputs) needed.add(name);
      nodes.push(node);
    }
    return { nodes: nodes.reverse(), weights: [...this.#weights.values()].filter(({ name }) => needed.has(name)) };
  }

  #constant(content: string, shape: Shape, make: () => Float32Array | Int32Array): string {
    const known = this.#constants.get(content);
    if (known !== undefined) return known;
    const name = this.#unique(CONSTANTS);
    this.#constants.set(content, name);
    this.#weights.set(name, { name, shape, values: make() });
    return name;
  }

  #unique(stem: string): string {
    let name = stem;
    for (let count = 2; this.#names.has(name); count++) name = `${stem}_${count}`;
    this.#names.add(name);
    return name;
  }
}
