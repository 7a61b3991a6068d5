// Cuts a graph behind its features, and puts another head there. Values are not touched: who calls keeps those whose names stay.

import { TrainyardError } from '$lib/core/errors';
import { resolveInitializer, torchDefault } from './initializers';
import type { Fans } from './initializers';
import { inferShape, parameterRoles } from './ops';
import { elements } from './ops/operation';
import type { Graph, GraphNode, NodeOf, OpAttributes, OpName, ParameterSpecification, Shape } from './types';

export type HeadSpecification =
  { kind: 'linear' } | { kind: 'mlp'; hidden: number; dropout: number } | { kind: 'cosine'; scale: number };

export interface HeadOptions {
  /**
   * Default true: a linear head is the graph's own classifier, dropout and all, where it has one that fits. False gives it a
   * new linear layer, as for a network from a file, whose classifier knows other classes.
   */
  keepOwn?: boolean;
}

/**
 * The graph with a new head behind its features that gives `classes` logits. The layers of its own head go, but for a linear one,
 * which keeps its name and what surrounds it. Otherwise the layers are `classifier` (linear), `head.0` and `head.3` (MLP: linear,
 * ReLU, dropout, linear, as in an nn.Sequential) or `head` (cosine); another prefix where the backbone uses that name. Features of
 * [height, width, channels] are averaged first. Throws `graph-features` when the graph names no features or none that a head
 * could read.
 */
export function replaceHead(
  graph: Graph,
  head: HeadSpecification,
  classes: number,
  { keepOwn = true }: HeadOptions = {},
): Graph {
  const features = featuresOf(graph);
  const backbone = ancestors(graph, features.id);
  if (head.kind === 'linear' && keepOwn) {
    const own = ownClassifier(graph, backbone);
    if (own !== null) return withClasses(graph, own, classes);
  }
  const writer = new HeadWriter(graph, backbone);
  const x = writer.vector(features);
  switch (head.kind) {
    case 'linear':
      return writer.finish(writer.layer(writer.prefix('classifier'), 'linear', x, { features: classes }));
    case 'cosine':
      return writer.finish(
        writer.layer(writer.prefix('head'), 'cosine_linear', x, { features: classes, scale: head.scale }),
      );
    case 'mlp': {
      const name = writer.prefix('head');
      const hidden = writer.layer(`${name}.0`, 'linear', x, { features: head.hidden });
      const active = writer.layer(`${name}.1`, 'activation', hidden, { kind: 'relu' });
      const dropped =
        head.dropout === 0 ? active : writer.layer(`${name}.2`, 'dropout', active, { rate: head.dropout });
      return writer.finish(writer.layer(`${name}.3`, 'linear', dropped, { features: classes }));
    }
    default:
      return head satisfies never;
  }
}

/**
 * Two graphs that one after the other compute what `graph` does: the backbone gives the features out; the head reads them as an
 * `input` of shape [1, 1, features] (or [height, width, channels] where they are no vector). Parameters keep their names and
 * belong to one of the two. Throws `graph-features` when the graph names no features or its head reads past them.
 */
export function splitAtFeatures(graph: Graph): { backbone: Graph; head: Graph } {
  const features = featuresOf(graph);
  const before = ancestors(graph, features.id);
  const wanted = ancestors(graph, graph.output);
  const nodes = graph.nodes.filter(({ id }) => wanted.has(id) && !before.has(id));
  for (const { id, inputs } of nodes) {
    const past = inputs.find((input) => before.has(input) && input !== features.id);
    if (past !== undefined) {
      throw featuresError(`Layer "${id}" behind the features "${features.id}" reads "${past}" before them.`);
    }
  }
  const backboneNodes = graph.nodes.filter(({ id }) => before.has(id));
  return {
    backbone: {
      nodes: backboneNodes,
      output: features.id,
      features: features.id,
      parameters: parametersOf(graph, backboneNodes),
    },
    head: {
      nodes: [...headInput(graph, features), ...nodes],
      output: graph.output,
      features: features.id,
      parameters: parametersOf(graph, nodes),
    },
  };
}

/** The layers of the head's graph that stand for the features. */
function headInput(graph: Graph, { id, shape }: GraphNode): GraphNode[] {
  if (shape.length === 3) return [{ id, op: 'input', inputs: [], attributes: { shape }, parameters: {}, shape }];
  const image = [1, 1, elements(shape)];
  const input = freeName('input', new Set(graph.nodes.map((node) => node.id)));
  return [
    { id: input, op: 'input', inputs: [], attributes: { shape: image }, parameters: {}, shape: image },
    { id, op: 'reshape', inputs: [input], attributes: { shape }, parameters: {}, shape },
  ];
}

function parametersOf(graph: Graph, nodes: readonly GraphNode[]): ParameterSpecification[] {
  const names = new Set(nodes.flatMap(({ parameters }) => Object.values(parameters)));
  return graph.parameters.filter(({ name }) => names.has(name));
}

function featuresOf(graph: Graph): GraphNode {
  const features = graph.nodes.find(({ id }) => id === graph.features);
  if (features !== undefined) return features;
  throw featuresError('The model does not say which of its layers gives the features.');
}

function featuresError(found: string): TrainyardError {
  return new TrainyardError('graph-features', found, 'Train the whole model, or choose another one.');
}

/** Ids of a node and of everything that it is computed from. */
function ancestors(graph: Graph, id: string): Set<string> {
  const found = new Set([id]);
  for (const node of graph.nodes.toReversed()) {
    if (found.has(node.id)) for (const input of node.inputs) found.add(input);
  }
  return found;
}

/** The only layer behind the features that has parameters, when it is one that makes classes. */
function ownClassifier(graph: Graph, backbone: ReadonlySet<string>): (GraphNode & { op: 'linear' | 'conv2d' }) | null {
  const wanted = ancestors(graph, graph.output);
  const weighted = graph.nodes.filter(
    ({ id, parameters }) => wanted.has(id) && !backbone.has(id) && Object.keys(parameters).length > 0,
  );
  const [own, ...others] = weighted;
  if (own === undefined || others.length > 0) return null;
  return own.op === 'linear' || own.op === 'conv2d' ? own : null;
}

/** The graph with that layer giving `classes` outputs; shapes behind it follow. */
function withClasses(graph: Graph, own: GraphNode & { op: 'linear' | 'conv2d' }, classes: number): Graph {
  const found = graph.nodes.find(({ id }) => id === graph.output)?.shape;
  if (found?.length === 1 && found[0] === classes) return graph;
  const shapes = new Map<string, Shape>();
  const resized = new Map<string, Shape>();
  const nodes = graph.nodes.map((node): GraphNode => {
    const inputs = node.inputs.map((input) => shapes.get(input) ?? []);
    const made =
      node.id !== own.id
        ? node
        : own.op === 'linear'
          ? { ...own, attributes: { features: classes } }
          : { ...own, attributes: { ...own.attributes, filters: classes } };
    const shape = shapeOf(made, inputs);
    shapes.set(made.id, shape);
    if (node.id === own.id) {
      for (const { role, shape: wanted } of rolesOf(made, inputs)) resized.set(own.parameters[role], wanted);
    }
    return { ...made, shape };
  });
  const parameters = graph.parameters.map((parameter) => ({
    ...parameter,
    shape: resized.get(parameter.name) ?? parameter.shape,
  }));
  return { ...graph, nodes, parameters };
}

function shapeOf<Op extends OpName>(node: NodeOf<Op>, inputs: readonly Shape[]): Shape {
  return inferShape<Op>(node.op, inputs, node.attributes);
}

function rolesOf<Op extends OpName>(node: NodeOf<Op>, inputs: readonly Shape[]): ReturnType<typeof parameterRoles> {
  return parameterRoles<Op>(node.op, inputs, node.attributes);
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count++) {
    const free = count === 1 ? name : `${name}_${count}`;
    if (!taken.has(free)) return free;
  }
}

/** Writes layers behind a backbone. */
class HeadWriter {
  readonly #nodes: GraphNode[];
  readonly #parameters: ParameterSpecification[];
  readonly #features: string | undefined;

  constructor(graph: Graph, backbone: ReadonlySet<string>) {
    this.#nodes = graph.nodes.filter(({ id }) => backbone.has(id));
    this.#parameters = parametersOf(graph, this.#nodes);
    this.#features = graph.features;
  }

  /** `name`, or a numbered one where a layer or parameter of the backbone has that name or lives under it. */
  prefix(name: string): string {
    const taken = new Set<string>();
    for (const used of [...this.#nodes.map(({ id }) => id), ...this.#parameters.map((parameter) => parameter.name)]) {
      const parts = used.split('.');
      parts.forEach((_, end) => taken.add(parts.slice(0, end + 1).join('.')));
    }
    return freeName(name, taken);
  }

  /** The features as [features]. */
  vector(features: GraphNode): GraphNode {
    const { id, shape } = features;
    if (shape.length === 1) return features;
    if (shape.length === 3 && shape[0] * shape[1] === 1) {
      return this.layer(this.prefix(`${id}.flatten`), 'reshape', features, { shape: [shape[2]] });
    }
    if (shape.length === 3)
      return this.layer(this.prefix(`${id}.pool`), 'global_avg_pool', features, { keepDims: false });
    throw featuresError(`The features "${id}" are a sequence of shape [${shape.join(', ')}], not a vector.`);
  }

  layer<Op extends OpName>(id: string, op: Op, x: GraphNode, attributes: OpAttributes[Op]): GraphNode {
    const parameters: Record<string, string> = {};
    // In and out are the fans of every layer that a head has.
    const fans: Fans = { fanIn: x.shape[x.shape.length - 1], fanOut: 1, groups: 1 };
    const initializer = resolveInitializer(torchDefault, fans);
    for (const { role, shape, layout, trainable, decay } of parameterRoles(op, [x.shape], attributes)) {
      parameters[role] = `${id}.${role}`;
      this.#parameters.push({ name: parameters[role], shape, layout, trainable, decay, initializer });
    }
    const node: NodeOf<Op> = { id, op, inputs: [x.id], attributes, parameters, shape: inferShape(op, [x.shape], attributes) }; // prettier-ignore
    const made = node as GraphNode; // One member of the union, which TypeScript cannot see for a generic Op.
    this.#nodes.push(made);
    return made;
  }

  finish(output: GraphNode): Graph {
    const features = this.#features === undefined ? {} : { features: this.#features };
    return { nodes: this.#nodes, output: output.id, ...features, parameters: this.#parameters };
  }
}
