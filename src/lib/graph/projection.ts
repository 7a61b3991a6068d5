// The projection of metric learning: two linear layers with a ReLU in between, put behind a graph's features instead of its head.

import { GraphBuilder, type Value } from './builder';
import { splitAtFeatures } from './heads';
import type { Graph, GraphNode } from './types';

/** Layers are called 'projection.0' and 'projection.2', as in an nn.Sequential. */
const NAME = 'projection';

/** The backbone and the projection: [length] out. Throws 'graph-features'. */
export function withProjection(graph: Graph, length: number): Graph {
  return behindFeatures(graph, (builder, x) =>
    builder.linear(`${NAME}.2`, hiddenLayer(builder, x), { features: length }),
  );
}

/** The backbone and the projection's hidden layer, which the graph then names as its features. Throws 'graph-features'. */
export function withHiddenLayer(graph: Graph): Graph {
  const hidden = behindFeatures(graph, hiddenLayer);
  return { ...hidden, features: hidden.output };
}

/** Names of the parameters of the hidden layer. */
export function hiddenParameters(graph: Graph): string[] {
  return graph.parameters.map(({ name }) => name).filter((name) => name.startsWith(`${NAME}.0.`));
}

function hiddenLayer(builder: GraphBuilder, x: Value): Value {
  const layer = builder.linear(`${NAME}.0`, x, { features: x.shape[0] });
  return builder.activation(layer, 'relu', { name: `${NAME}.1` });
}

/** Writes layers that read the features as a vector; maps of features are averaged first. */
function behindFeatures(graph: Graph, write: (builder: GraphBuilder, features: Value) => Value): Graph {
  const { backbone } = splitAtFeatures(graph);
  const shape = backbone.nodes.find(({ id }) => id === backbone.output)?.shape ?? [];
  const [height, width, channels] = shape.length === 3 ? shape : [1, 1, shape[0]];
  const builder = new GraphBuilder([height, width], channels);
  const vector =
    shape.length === 3
      ? builder.globalAvgPool(builder.input, { name: `${NAME}.pool` })
      : builder.reshape(builder.input, shape, `${NAME}.features`);
  const written = builder.build(write(builder, vector));
  // What stood for the features while the layers were written.
  const stands = new Set(shape.length === 3 ? [builder.input.id] : [builder.input.id, vector.id]);
  const nodes = written.nodes
    .filter(({ id }) => !stands.has(id))
    .map((node): GraphNode => ({ ...node, inputs: node.inputs.map((id) => (stands.has(id) ? backbone.output : id)) }));
  return {
    nodes: [...backbone.nodes, ...nodes],
    output: written.output,
    features: backbone.output,
    parameters: [...backbone.parameters, ...written.parameters],
  };
}
