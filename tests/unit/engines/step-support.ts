// Two kinds of training steps on the wasm backend, and a small net for them. Not a test itself.

import type { StepSpecification, TrainState, TrainStep } from '$lib/engines/contract';
import { DeviceStore } from '$lib/engines/tfjs/device-store';
import type { TfjsEngine } from '$lib/engines/tfjs/engine';
import { fusedKernels } from '$lib/engines/tfjs/kernels';
import { layOut } from '$lib/engines/tfjs/parameter-layout';
import { TfjsTrainStep } from '$lib/engines/tfjs/train-step';
import { GraphBuilder } from '$lib/graph/builder';
import { initializeParameters } from '$lib/graph/initialize';
import type { Graph } from '$lib/graph/types';
import { PLAIN, compile } from '../../contract/training';

/** Convolution, perhaps norm, ReLU6, pool, dropout, classifier. */
export function small(dropout = 0, norm = true): Graph {
  const builder = new GraphBuilder([6, 6]);
  const conv = builder.conv2d('conv', builder.input, { filters: 8, kernel: 3, padding: 1, bias: false });
  const x = builder.activation(norm ? builder.batchNorm('bn', conv) : conv, 'relu6');
  const features = builder.globalAvgPool(x);
  return builder.build(builder.linear('fc', builder.dropout('drop', features, dropout), { features: 3 }), { features });
}

/** A step that keeps its parameters in flat tensors, as on WebGPU, but on the backend of these tests. */
export function onDevice(graph: Graph, changes: Partial<StepSpecification> = {}): TrainStep {
  const specification = { ...PLAIN, ...changes };
  const layout = layOut(graph, specification);
  const store = new DeviceStore(layout, initializeParameters(graph, 1), specification);
  return new TfjsTrainStep(graph, layout, store, fusedKernels, specification);
}

export type MakeStep = (graph: Graph, changes?: Partial<StepSpecification>) => TrainStep;

/** The engine comes late: it starts in a hook. */
export const stepKinds = (engine: () => TfjsEngine): [string, MakeStep][] => [
  ['host', (graph, changes) => compile(engine(), graph, changes)],
  ['device', onDevice],
];

/** Largest difference of any parameter of two states. */
export function furthest(a: TrainState, b: TrainState): number {
  const differences = [...a.parameters].flatMap(([name, values]) =>
    Array.from(values, (value, at) => Math.abs(value - (b.parameters.get(name)?.[at] ?? NaN))),
  );
  return Math.max(...differences);
}
