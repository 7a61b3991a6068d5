// Finds the classifier of an ONNX graph, from its output backwards: the last layer with weights, and the tensor that it reads.

import type { FileNode, OnnxFile } from './file';

export interface Classifier {
  node: FileNode;
  /** The tensor that it reads: the features. */
  features: string;
  /** How many numbers the features have for each image, or channels where they are an image. */
  length: number;
}

/** What may lie between the classifier and the output; all of them read one activation. */
const BEHIND: readonly string[] = [
  'Identity',
  'Softmax',
  'LogSoftmax',
  'Sigmoid',
  'Flatten',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Cast',
  'Add',
  'Mul',
  'Div',
  'Sub',
  'Relu',
  'GlobalAveragePool',
  'ReduceMean',
  'AveragePool',
];

/** Null where something else makes the output. */
export function classifierOf(file: OnnxFile, output: string): Classifier | null {
  const makers = new Map(file.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const isConstant = (name: string): boolean => {
    if (name === '' || file.initializers.has(name)) return true;
    const maker = makers.get(name);
    return maker !== undefined &&
      maker.domain === '' &&
      ['Constant', 'Identity', 'Transpose', 'Unsqueeze'].includes(maker.op)
      ? maker.inputs.every((input) => file.initializers.has(input))
      : false;
  };
  let name = output;
  for (let count = 0; count < 64; count++) {
    const node = makers.get(name);
    if (node === undefined || node.domain !== '') return null;
    const layer = layerAt(file, node);
    if (layer !== null) return layer;
    if (!BEHIND.includes(node.op)) return null;
    // Shapes may be computed; the activation comes first in all but sums and products.
    const commutes = ['Add', 'Mul', 'Div', 'Sub'].includes(node.op);
    const data = commutes ? node.inputs.filter((input) => !isConstant(input)) : node.inputs.slice(0, 1);
    if (data.length !== 1) return null;
    [name] = data;
  }
  return null;
}

/** The layer that this node is, if its weights are in the file (or turned from there). */
function layerAt(file: OnnxFile, node: FileNode): Classifier | null {
  const [features, weight] = node.inputs;
  if (weight === undefined) return null;
  let tensor = file.initializers.get(weight);
  let turned = false;
  if (tensor === undefined) {
    const maker = file.nodes.find(({ outputs }) => outputs.includes(weight));
    const perm = maker?.attributes.get('perm');
    if (maker?.op === 'Transpose' && (perm?.type !== 'ints' || perm.value.join() === '1,0')) {
      tensor = file.initializers.get(maker.inputs[0]);
      turned = true;
    } else if (maker?.op === 'Identity') tensor = file.initializers.get(maker.inputs[0]);
    else if (maker?.op === 'Constant') {
      const value = maker.attributes.get('value');
      if (value?.type === 'tensor') tensor = { ...value.value, field: maker.field };
    }
  }
  if (tensor === undefined) return null;
  const { shape } = tensor;
  switch (node.op) {
    case 'Gemm': {
      const trans = node.attributes.get('transB');
      const swapped = (trans?.type === 'int' && trans.value !== 0) !== turned;
      return shape.length === 2 ? { node, features, length: shape[swapped ? 1 : 0] } : null;
    }
    case 'MatMul':
      return shape.length === 2 ? { node, features, length: shape[turned ? 1 : 0] } : null;
    case 'Conv':
      // Only a kernel of one place is a classifier of what it reads.
      return shape.length === 4 && shape[2] === 1 && shape[3] === 1 ? { node, features, length: shape[1] } : null;
    default:
      return null;
  }
}
