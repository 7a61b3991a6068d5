// The example code of the bundle, made for the page before the bundle is: the same generators, filled with the run's own sizes.
import type { ExportFormat, TrainedModel } from '$lib/interchange/contract';
import { exampleFiles } from '$lib/interchange/bundle/examples';
import { buildModel } from '$lib/models/build';
import type { RunRecord } from '$lib/storage/records';
import { getTask } from '$lib/tasks/registry';
import type { CodeExample } from '$lib/ui/export/code';

const FORMATS: readonly ExportFormat[] = ['onnx', 'tfjs', 'safetensors', 'pytorch'];

/** Which files belong to which place; the first is the one to begin with. */
const PLACES = [
  { id: 'python', title: 'Python', files: ['predict_onnx.py', 'preprocess.py'] },
  { id: 'web', title: 'JavaScript', files: ['predict_onnx.html', 'preprocess.mjs'] },
  { id: 'tfjs', title: 'TensorFlow.js', files: ['predict_tfjs.html', 'preprocess.mjs'] },
  { id: 'pytorch', title: 'PyTorch', files: ['load_pytorch.py', 'model.py', 'preprocess.py'] },
] as const;

/** Rejects where the run's model is no longer registered. */
export async function examplesOf(run: RunRecord): Promise<CodeExample[]> {
  const task = getTask(run.job.task);
  const graph = await buildModel(run.job.model.name, {
    config: run.job.model.config,
    imageSize: run.preprocess.imageSize,
    classes: task.outputs(run.classes),
  });
  // Weights and results do not enter the examples.
  const model: TrainedModel = {
    name: run.name,
    graph,
    parameters: new Map(),
    classes: run.classes,
    preprocess: run.preprocess,
    task: { id: task.id, activation: task.exportActivation },
    job: run.job,
    evaluation: null,
    data: { name: '', images: { train: 0, val: 0, test: 0 } },
  };
  const files = exampleFiles(model, new Set(FORMATS), true);
  return PLACES.map(({ id, title, files: names }) => ({
    id,
    title,
    files: names.flatMap((name) => {
      const text = files.get(`examples/${name}`);
      return text === undefined ? [] : [{ path: `examples/${name}`, text }];
    }),
  }));
}
