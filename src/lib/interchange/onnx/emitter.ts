// Collects the nodes and constants of an ONNX graph while a model's operations are lowered one after another.

import { TrainyardError } from '$lib/core/errors';
import { toPyTorch } from '$lib/graph/layout';
import type { OnnxEmitter } from '$lib/graph/ops/onnx-lowering';
import { ints } from '$lib/graph/ops/onnx-lowering';
import type { Graph, ParameterValues, Shape } from '$lib/graph/types';
import type { OnnxAttribute, OnnxNode, OnnxTensor } from './model';

/** Constants of the writer's own live here, away from parameter names. */
const CONSTANTS = 'constant';

export class OnnxGraphEmitter implements OnnxEmitter {
  readonly nodes: OnnxNode[] = [];
  readonly #initializers = new Map<string, OnnxTensor>();
  /** Constants by content, so that the same one is stored once. */
  readonly #constants = new Map<string, string>();
  readonly #names = new Set<string>();
  readonly #transposed = new Map<string, { input: string; order: readonly number[] }>();
  /** The layer being lowered; its nodes are named after it. */
  scope = '';
  #batch: string | undefined;

  constructor(
    readonly input: string,
    readonly graph: Graph,
    readonly parameters: ParameterValues,
  ) {
    this.#names.add(input);
  }

  node(op: string, inputs: readonly string[], attributes: Readonly<Record<string, OnnxAttribute>> = {}): string {
    const name = this.#unique(this.scope === '' ? op : `${this.scope}/${op}`);
    this.nodes.push({ name, op, inputs, outputs: [name], attributes });
    return name;
  }

  transpose(input: string, order: readonly number[]): string {
    const earlier = this.#transposed.get(input);
    const source = earlier?.input ?? input;
    const composed = earlier === undefined ? order : order.map((axis) => earlier.order[axis]);
    if (composed.every((axis, at) => axis === at)) return source;
    const output = this.node('Transpose', [source], { perm: ints(...composed) });
    this.#transposed.set(output, { input: source, order: composed });
    return output;
  }

  parameter(name: string): string {
    if (this.#initializers.has(name)) return name;
    const specification = this.graph.parameters.find((parameter) => parameter.name === name);
    const values = this.parameters.get(name);
    if (specification === undefined || values === undefined) {
      throw new TrainyardError(
        'parameter-missing',
        `The model has no values for "${name}".`,
        'Train or load it again.',
      );
    }
    const torch = toPyTorch(specification, values);
    this.#initializers.set(name, { name, shape: torch.shape, type: 'float32', values: torch.values });
    this.#names.add(name);
    return name;
  }

  floats(values: readonly number[], shape: Shape): string {
    return this.#constant(`f ${shape.join()} ${values.join()}`, (name) => ({
      name,
      shape,
      type: 'float32',
      values: Float32Array.from(values),
    }));
  }

  ints(values: readonly number[]): string {
    return this.#constant(`i ${values.join()}`, (name) => ({ name, shape: [values.length], type: 'int64', values }));
  }

  batch(): string {
    if (this.#batch === undefined) {
      const scope = this.scope;
      this.scope = 'batch';
      const shape = this.node('Shape', [this.input]);
      this.#batch = this.node('Slice', [shape, this.ints([0]), this.ints([1])]);
      this.scope = scope;
    }
    return this.#batch;
  }

  /** Nodes and constants that the outputs need, the outputs renamed. */
  finish(outputs: readonly { value: string; name: string }[]): { nodes: OnnxNode[]; initializers: OnnxTensor[] } {
    this.scope = '';
    const produced = new Map(this.nodes.map((node) => [node.outputs[0], node]));
    const renamed = new Map<string, string>();
    for (const { value, name } of outputs) {
      if (this.#names.has(name)) {
        throw new TrainyardError(
          'name-taken',
          `A tensor of the model is called "${name}" like an output.`,
          'Rename it.',
        );
      }
      // What no node makes (the input, a parameter) or what has a name already cannot be renamed.
      if (produced.has(value) && !renamed.has(value)) renamed.set(value, name);
      else this.nodes.push({ name, op: 'Identity', inputs: [value], outputs: [name], attributes: {} });
    }
    const rename = (name: string): string => renamed.get(name) ?? name;
    const needed = new Set(outputs.map(({ name }) => name));
    const nodes: OnnxNode[] = [];
    for (const node of this.nodes.toReversed()) {
      const inputs = node.inputs.map(rename);
      const made = node.outputs.map(rename);
      if (!made.some((name) => needed.has(name))) continue;
      for (const name of inputs) needed.add(name);
      nodes.push({ ...node, inputs, outputs: made });
    }
    return {
      nodes: nodes.reverse(),
      initializers: [...this.#initializers.values()].filter(({ name }) => needed.has(name)),
    };
  }

  #constant(content: string, make: (name: string) => OnnxTensor): string {
    const known = this.#constants.get(content);
    if (known !== undefined) return known;
    const name = this.#unique(CONSTANTS);
    this.#constants.set(content, name);
    this.#initializers.set(name, make(name));
    return name;
  }

  #unique(stem: string): string {
    let name = stem;
    for (let count = 2; this.#names.has(name); count++) name = `${stem}_${count}`;
    this.#names.add(name);
    return name;
  }
}
