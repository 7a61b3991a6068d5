// The gradient kernels of a convolution, ours and tfjs's, whichever backend computes them: what their names and attributes mean is the
// same everywhere.

import * as tf from '@tensorflow/tfjs-core';
import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import { convolutionShape, geometryOf, type ConvolutionShape } from './convolution-shape';
import { CONV2D, type ConvAttributes, type GradientOf } from './own-ops';

/** What a kernel is called with on any backend. */
interface KernelCall {
  input(name: string): TensorInfo;
  attributes: NamedAttrMap;
}

/**
 * Attributes as the kernel's own type. tfjs passes them through untyped; whoever runs the kernel of that name (tfjs's op or
 * ours) has put exactly these in.
 */
export function attributesAs<T extends object>({ attributes }: Pick<KernelCall, 'attributes'>): T {
  return attributes as unknown as T;
}

/** `byInput` and `byFilter` compute the gradient of a convolution of that shape with respect to its input and its filter. */
export function convolutionGradients<Call extends KernelCall>(
  byInput: (call: Call, shape: ConvolutionShape) => TensorInfo,
  byFilter: (call: Call, shape: ConvolutionShape) => TensorInfo,
): { name: string; run(call: Call): TensorInfo }[] {
  return [
    {
      name: CONV2D.input,
      run: (call) => {
        const { shape, groups, ...geometry } = attributesAs<ConvAttributes & GradientOf>(call);
        return byInput(call, convolutionShape(shape, call.input('filter').shape, geometry, groups));
      },
    },
    {
      name: CONV2D.filter,
      run: (call) => {
        const { shape, groups, ...geometry } = attributesAs<ConvAttributes & GradientOf>(call);
        return byFilter(call, convolutionShape(call.input('x').shape, shape, geometry, groups));
      },
    },
    {
      name: tf.Conv2DBackpropInput,
      run: (call) => {
        const { inputShape, ...attributes } = attributesAs<tf.Conv2DBackpropInputAttrs>(call);
        const filter = call.input('filter').shape;
        return byInput(call, convolutionShape(inputShape, filter, geometryOf(inputShape, filter, attributes), 1));
      },
    },
    {
      name: tf.Conv2DBackpropFilter,
      run: (call) => {
        const { filterShape, ...attributes } = attributesAs<tf.Conv2DBackpropFilterAttrs>(call);
        const x = call.input('x').shape;
        return byFilter(call, convolutionShape(x, filterShape, geometryOf(x, filterShape, attributes), 1));
      },
    },
  ];
}
