// Writes a trained model as ONNX: opset 17, NCHW, float32, dynamic batch, normalisation and the activation inside.

import { onnxLowerings } from '$lib/graph/ops/onnx';
import type { OnnxLowering, OnnxValue } from '$lib/graph/ops/onnx-lowering';
import { int, storedAxis, storedShape } from '$lib/graph/ops/onnx-lowering';
import type { NodeOf, OpName } from '$lib/graph/types';
import type { TrainedModel } from '../contract';
import { exportGraph } from '../export-graph';
import type { GraphOptions } from '../export-graph';
import { metadataStrings } from '../preprocessing';
import { PRODUCER, VERSION } from '../version';
import { OnnxGraphEmitter } from './emitter';
import { encodeOnnx } from './encode';
import type { OnnxModel } from './model';

const OPSET = 17;
/** Of the ONNX release that brought opset 17 (1.12). */
const IR_VERSION = 8;
const INPUT = 'image';
const LOGITS = 'logits';

function lower<Op extends OpName>(node: NodeOf<Op>, inputs: readonly OnnxValue[], emit: OnnxGraphEmitter): string {
  const lowering: OnnxLowering<Op> = onnxLowerings[node.op];
  return lowering(node, inputs, emit);
}

/** The model as ONNX data, before it is encoded. */
export function toOnnx(model: TrainedModel, options: GraphOptions): OnnxModel {
  const { graph, parameters } = exportGraph(model, options);
  const emitter = new OnnxGraphEmitter(INPUT, graph, parameters);
  const values = new Map<string, OnnxValue>();
  const [first, ...rest] = graph.nodes;
  values.set(first.id, { name: INPUT, shape: first.shape, batched: true });
  for (const node of rest) {
    emitter.scope = node.id;
    const inputs = node.inputs.map((id) => values.get(id) ?? missing(id));
    const name = lower(node, inputs, emitter);
    values.set(node.id, { name, shape: node.shape, batched: inputs.some((input) => input.batched) });
  }
  const logits = values.get(graph.output) ?? missing(graph.output);
  const outputs = [{ value: logits.name, name: LOGITS }];
  const { name, kind } = model.task.activation;
  emitter.scope = '';
  if (kind === 'softmax') {
    const axis = int(storedAxis(-1, logits.shape.length));
    outputs.push({ value: emitter.node('Softmax', [logits.name], { axis }), name });
  } else if (kind === 'sigmoid') {
    outputs.push({ value: emitter.node('Sigmoid', [logits.name]), name });
  }
  const outputShape = ['batch', ...storedShape(logits.shape)];
  return {
    irVersion: IR_VERSION,
    opset: OPSET,
    producer: { name: PRODUCER, version: VERSION },
    name: model.name,
    documentation: `${model.name}, ${model.task.id}, ${model.classes.length} classes. Input: RGB in 0..1, already resized.`,
    ...emitter.finish(outputs),
    inputs: [{ name: INPUT, shape: ['batch', ...storedShape(first.shape)] }],
    outputs: outputs.map((output) => ({ name: output.name, shape: outputShape })),
    metadata: metadataStrings(model, options.normalization, VERSION),
  };
}

function missing(id: string): never {
  throw new Error(`The graph reads "${id}", which no earlier node makes.`);
}

/** `model.onnx`. The parameters may change or go once this returns. */
export function writeOnnx(model: TrainedModel, options: GraphOptions): Blob {
  return encodeOnnx(toOnnx(model, options));
}
