// Every SIMD function, by the name it has in the module. Adding one: a file here and a line.

import { activationFunctions } from './activations';
import { batchNormFunctions } from './batch-norm';
import { depthwiseFunctions } from './depthwise';
import { geluFunctions } from './gelu';
import { gemmFunctions } from './gemm';
import { im2colFunctions } from './im2col';
import { layerNormFunctions } from './layer-norm';
import { maxPoolFunctions } from './max-pool';

export function simdFunctions(fused: boolean) {
  return {
    ...gemmFunctions(fused),
    ...im2colFunctions,
    ...depthwiseFunctions,
    ...batchNormFunctions,
    ...maxPoolFunctions,
    ...geluFunctions,
    ...layerNormFunctions,
    ...activationFunctions,
  };
}

export type SimdFunctionName = keyof ReturnType<typeof simdFunctions>;
