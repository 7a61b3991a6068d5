// Finds the features of an ONNX graph whose operations are not all known here: what its classifier reads, told by the shapes of
// weights alone.

import type { FileNode, OnnxFile } from './file';

/** How the tensor holds the features: [batch, features], [batch, ..., features] or [batch, features, height, width]. */
export type FeaturesForm = 'vector' | 'rows' | 'image';

export interface FeaturesTensor {
  tensor: string;
  form: FeaturesForm;
  /** Numbers for each image, after the mean over all other axes. */
  length: number;
}

type Makers = ReadonlyMap<string, FileNode>;

/** The node that makes each tensor. */
export function makersOf({ nodes }: Pick<OnnxFile, 'nodes'>): Makers {
  return new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
}

/** From the output backwards; else the last layer of all; else the output itself. Null where nothing says how long they are. */
export function featuresTensor(file: OnnxFile, output: string, nodes: readonly FileNode[]): FeaturesTensor | null {
  const makers = makersOf(file);
  const classifier = classifierOf(file, makers, output);
  if (classifier !== null) return classifier;
  const layers = nodes.filter(({ op, domain }) => domain === '' && (op === 'Gemm' || op === 'MatMul'));
  for (const node of layers.reverse()) {
    const layer = layerAt(file, makers, node);
    if (layer !== null) return layer;
  }
  const port = file.outputs.find(({ name }) => name === output);
  const [, length, ...rest] = port?.shape ?? [];
  if (typeof length === 'number' && length > 0 && (rest.length === 0 || rest.length === 2)) {
    return { tensor: output, form: rest.length === 0 ? 'vector' : 'image', length };
  }
  return null;
}

/** The form of features that were found before, by what reads them. */
export function formOf(file: OnnxFile, tensor: string): FeaturesForm {
  const makers = makersOf(file);
  for (const node of file.nodes) {
    const layer = node.domain === '' && node.inputs[0] === tensor ? layerAt(file, makers, node) : null;
    if (layer !== null) return layer.form;
  }
  const port = file.outputs.find(({ name }) => name === tensor);
  return port?.shape?.length === 4 ? 'image' : 'rows';
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

/** What the last layer reads; null where something else makes the output. */
function classifierOf(file: OnnxFile, makers: Makers, output: string): FeaturesTensor | null {
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
    const layer = layerAt(file, makers, node);
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
function layerAt(file: OnnxFile, makers: Makers, node: FileNode): FeaturesTensor | null {
  const [tensorRead, weight] = node.inputs;
  if (weight === undefined) return null;
  let tensor = file.initializers.get(weight);
  let turned = false;
  if (tensor === undefined) {
    const maker = makers.get(weight);
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
      return shape.length === 2 ? { tensor: tensorRead, form: 'vector', length: shape[swapped ? 1 : 0] } : null;
    }
    case 'MatMul':
      return shape.length === 2 ? { tensor: tensorRead, form: 'rows', length: shape[turned ? 1 : 0] } : null;
    case 'Conv':
      // Only a kernel of one place is a classifier of what it reads.
      return shape.length === 4 && shape[2] === 1 && shape[3] === 1
        ? { tensor: tensorRead, form: 'image', length: shape[1] }
        : null;
    default:
      return null;
  }
}
