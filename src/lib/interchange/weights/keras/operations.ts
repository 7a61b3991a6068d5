// Bare operations between layers, which Keras 2 keeps as layers of their own: sums and products, of two tensors or with a number.

import type { Value } from '$lib/graph/builder';
import type { JsonObject } from '../json-file';
import { property } from '../json-file';
import type { LayerCall } from './layers';

/** What Keras calls such layers. */
export const OPERATION_LAYERS: ReadonlySet<string> = new Set(['TFOpLambda']);

type Operation = 'add' | 'subtract' | 'multiply' | 'divide';

/** By TensorFlow's name. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  '__operators__.add': 'add',
  'math.add': 'add',
  'math.subtract': 'subtract',
  'math.multiply': 'multiply',
  'math.truediv': 'divide',
  'math.divide': 'divide',
};

export function operationOf(config: JsonObject): string {
  const name = property(config, 'function');
  return typeof name === 'string' ? name : 'unknown';
}

export function operation({ writer, layer, inputs, constant, id }: LayerCall): Value {
  const kind = OPERATIONS[layer.text('function')];
  const [x, y] = inputs;
  if (inputs.length === 1 && constant !== null && Number.isFinite(constant)) {
    switch (kind) {
      case 'add':
        return writer.affine(id, x, 1, constant);
      case 'subtract':
        return writer.affine(id, x, 1, -constant);
      case 'multiply':
        return writer.affine(id, x, constant, 0);
      case 'divide':
        if (constant !== 0) return writer.affine(id, x, 1 / constant, 0);
    }
  }
  if (inputs.length === 2 && kind === 'add') return writer.builder.add(x, y, id);
  if (inputs.length === 2 && kind === 'multiply') return writer.builder.multiply(x, y, id);
  if (inputs.length === 2 && kind === 'subtract') {
    return writer.builder.add(x, writer.affine(`${id}.negative`, y, -1, 0), id);
  }
  throw layer.unsupported('is called in a way that cannot be read', `${layer.kind} (${layer.text('function')})`);
}
