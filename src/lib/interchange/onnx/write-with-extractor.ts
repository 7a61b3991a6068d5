// Writes a model whose features come from an ONNX file as one file: normalisation, the file's own graph up to the features, the
// trained head. The file's part is slices of it, its weights are not touched.

import { TrainyardError } from '$lib/core/errors';
import { isObject } from '$lib/core/path';
import type { TrainedModel } from '../contract';
import type { GraphOptions } from '../export-graph';
import { metadataStrings } from '../preprocessing';
import { PRODUCER, VERSION } from '../version';
import { assembled, cutAtFeatures, graphFields, nameField, ownPrefix } from '../weights/onnx/cut';
import { inputSteps } from '../weights/onnx/extractor';
import { imageInput, leadingStep } from '../weights/onnx/input';
import { readable } from '../weights/onnx/open';
import { FIELDS } from './model';
import type { OnnxModel, OnnxNode, OnnxTensor } from './model';
import { ProtobufWriter } from './protobuf-writer';
import { toOnnx } from './write';

const INPUT = 'image';

/** What a head is made of that is the same from opset 9 to 17, and in later ones but for the axes of ReduceL2. */
const STEADY: ReadonlySet<string> = new Set([
  'Add',
  'Div',
  'Flatten',
  'Gemm',
  'Identity',
  'MatMul',
  'Max',
  'Mul',
  'ReduceL2',
  'Relu',
  'Reshape',
  'Sigmoid',
  'Softmax',
  'Transpose',
]);
const OLDEST = 9;
const NEWEST = 25;

function refused(found: string): TrainyardError {
  return new TrainyardError(
    'export-extractor',
    `The head and the ONNX file of the features cannot become one file: ${found}.`,
    'Convert that file to opset 17 and import it again.',
  );
}

/** `model.onnx`. Throws `export-extractor`, `name-taken` and what reading the file throws. */
export async function writeWithExtractor(model: TrainedModel, { normalization }: GraphOptions): Promise<Blob> {
  const { extractor } = model;
  if (!isObject(extractor)) throw new Error('The model has no extractor.');
  const file = await readable(extractor.file, extractor.title);
  const opset = file.opsets.get('') ?? 1;
  if (opset < OLDEST || opset > NEWEST)
    throw refused(`it is of opset ${opset}, and ${OLDEST} to ${NEWEST} are possible`);
  const head = toOnnx(model, { normalization: false });
  const strange = head.nodes.find(({ op }) => !STEADY.has(op) && opset !== head.opset);
  if (strange !== undefined) throw refused(`it is of opset ${opset}, which may have another ${strange.op}`);
  const outputs = head.outputs.map(({ name }) => name);
  const cut = await cutAtFeatures(file, extractor, [INPUT, ...outputs]);
  const prefix = ownPrefix(file);
  const original = extractor.input.name === INPUT ? `${prefix}${INPUT}` : extractor.input.name;
  const step = await leadingStep(file, { ...imageInput(file), ...extractor.input });
  const { mean, std } = normalization ? model.preprocess : { mean: [0, 0, 0], std: [1, 1, 1] };
  const front = frontNodes(inputSteps(mean, std, step, false), original, extractor.input.layout, prefix);
  const back = headNodes(head, cut.features, extractor.features, { prefix: `${prefix}head/`, opset });
  const [height, width] = extractor.input.imageSize;
  const shell = { nodes: [], initializers: [], inputs: [], outputs: [] };
  const graph = [
    graphFields({ ...shell, nodes: front.nodes, inputs: [{ name: INPUT, shape: ['batch', 3, height, width] }] }),
    nameField(model.name),
    ...cut.fields,
    graphFields({
      ...shell,
      nodes: [...cut.nodes, ...back.nodes],
      initializers: [...front.initializers, ...cut.initializers, ...back.initializers],
      outputs: head.outputs,
    }),
  ];
  const fields = FIELDS.model;
  const { metadataProps, docString, producerName, producerVersion } = fields;
  const more = new ProtobufWriter()
    .string(producerName, PRODUCER)
    .string(producerVersion, VERSION)
    .string(docString, head.documentation);
  for (const [key, value] of Object.entries(metadataStrings(model, normalization, VERSION))) {
    more.message(metadataProps, new ProtobufWriter().string(FIELDS.entry.key, key).string(FIELDS.entry.value, value));
  }
  return assembled(file, graph, { without: [metadataProps, docString, producerName, producerVersion], more });
}

type Parts = Pick<OnnxModel, 'nodes'> & { initializers: readonly OnnxTensor[] };

/** From RGB in 0..1 to what the file reads. */
function frontNodes(
  { factor, offset }: ReturnType<typeof inputSteps>,
  target: string,
  layout: 'NCHW' | 'NHWC',
  prefix: string,
): Parts {
  const tensor = (name: string, values: readonly number[]): OnnxTensor => ({
    name: `${prefix}${name}`,
    shape: [3, 1, 1],
    type: 'float32',
    values: Float32Array.from(values),
  });
  const scaled = `${prefix}scaled`;
  const shifted = layout === 'NCHW' ? target : `${prefix}shifted`;
  const node = (op: string, inputs: string[], output: string): OnnxNode => ({
    name: `${prefix}front/${op}`,
    op,
    inputs,
    outputs: [output],
    attributes: {},
  });
  const nodes = [
    node('Mul', [INPUT, `${prefix}factor`], scaled),
    node('Add', [scaled, `${prefix}offset`], shifted),
    ...(layout === 'NCHW'
      ? []
      : [
          {
            ...node('Transpose', [shifted], target),
            attributes: { perm: { type: 'ints', value: [0, 2, 3, 1] } as const },
          },
        ]),
  ];
  return { nodes, initializers: [tensor('factor', factor), tensor('offset', offset)] };
}

/** The head's nodes behind the features, all names but the outputs' with our prefix. */
function headNodes(
  head: OnnxModel,
  features: string,
  length: number,
  { prefix, opset }: { prefix: string; opset: number },
): Parts {
  const outputs = new Set(head.outputs.map(({ name }) => name));
  const [{ name: input }] = head.inputs;
  const named = (name: string): string => (name === '' || outputs.has(name) ? name : `${prefix}${name}`);
  const shape: OnnxTensor = { name: `${prefix}shape`, shape: [4], type: 'int64', values: [0, length, 1, 1] };
  const axes: OnnxTensor = { name: `${prefix}axes`, shape: [1], type: 'int64', values: [-1] };
  const zero: OnnxTensor = { name: `${prefix}zero`, shape: [1], type: 'float32', values: new Float32Array(1) };
  const reshape: OnnxNode = {
    name: `${prefix}Reshape`,
    op: 'Reshape',
    inputs: [features, shape.name],
    outputs: [named(input)],
    attributes: {},
  };
  const nodes = head.nodes.map((node): OnnxNode => {
    const renamed = {
      ...node,
      name: `${prefix}${node.name}`,
      inputs: node.inputs.map(named),
      outputs: node.outputs.map(named),
    };
    // Until opset 11 a Gemm had to have a bias.
    if (node.op === 'Gemm' && node.inputs.length === 2 && opset < 11) {
      return { ...renamed, inputs: [...renamed.inputs, zero.name] };
    }
    if (node.op !== 'ReduceL2' || opset < 18) return renamed;
    const { keepdims } = node.attributes;
    return { ...renamed, inputs: [...renamed.inputs, axes.name], attributes: { keepdims } };
  });
  const initializers = head.initializers.map((tensor): OnnxTensor => ({ ...tensor, name: named(tensor.name) }));
  return { nodes: [reshape, ...nodes], initializers: [shape, axes, zero, ...initializers] };
}
