// Runs exported ONNX files in ONNX Runtime. The runtime is handed in: onnxruntime-web in a worker, onnxruntime-node in tests.

import type * as OnnxRuntimeWeb from 'onnxruntime-web/wasm';
import { readBytes } from '../bytes';
import { fileNamed, toChannelsFirst, toChannelsLast } from './runner';
import type { LoadModel } from './runner';

/** What both packages have. */
export type OnnxRuntime = Pick<typeof OnnxRuntimeWeb, 'InferenceSession' | 'Tensor'>;

export function onnxRunner(runtime: OnnxRuntime): LoadModel {
  return async (files) => {
    const bytes = await readBytes(fileNamed(files, '.onnx').blob);
    const session = await runtime.InferenceSession.create(bytes);
    return {
      async run(images, shape) {
        const [count, height, width, channels] = shape;
        const values = toChannelsFirst(images, shape);
        const input = new runtime.Tensor('float32', values, [count, channels, height, width]);
        const results = await session.run({ [session.inputNames[0]]: input });
        const outputs = new Map<string, Float32Array>();
        for (const [name, { data, dims }] of Object.entries(results)) {
          if (!(data instanceof Float32Array)) throw new Error(`Output "${name}" is not float32.`);
          const [n, c, h, w] = dims;
          outputs.set(name, dims.length === 4 ? toChannelsLast(data, [n, h, w, c]) : data);
        }
        return outputs;
      },
      dispose: () => session.release(),
    };
  };
}

/** ONNX Runtime Web on one thread, its WASM from our own origin. Loaded when first needed: 12 MB. */
export async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  const runtime = await import('onnxruntime-web/wasm');
  // More threads would each be a worker of its own; a check of a few dozen images does not earn their start.
  runtime.env.wasm.numThreads = 1;
  return runtime;
}

export async function onnxRuntimeWeb(): Promise<LoadModel> {
  return onnxRunner(await loadOnnxRuntime());
}
