// What an export tells of a model whose classes are each a yes or no of its own.
import { expect, test } from 'vitest';
import { exampleFiles } from '$lib/interchange/bundle/examples';
import { modelCard } from '$lib/interchange/bundle/model-card';
import { writeOnnx } from '$lib/interchange/onnx/write';
import { decodeOnnx } from '$lib/interchange/onnx/decode';
import type { EvaluationResult } from '$lib/tasks/contract';
import { getTask } from '$lib/tasks/registry';
import { classes, trainedTiny } from './support/trained';

const task = getTask('multi_label');
const result: EvaluationResult = task.evaluate({
  outputs: Float32Array.from([1, -1, 2, -2, -1, 1, 2, 2]),
  annotations: [
    { kind: 'classes', classes: [0, 2] },
    { kind: 'classes', classes: [] },
  ],
  paths: ['a', 'b'],
  classes,
  train: [{ kind: 'classes', classes: [0] }],
}).result;
const model = trainedTiny({
  task: { id: task.id, activation: task.exportActivation },
  evaluation: { split: 'test', checkpoint: 'epoch-3', epoch: 3, result },
});

test('ONNX probabilities are sigmoids, and the metadata says from where on they are an answer', async () => {
  const onnx = decodeOnnx(new Uint8Array(await writeOnnx(model, { normalization: true }).arrayBuffer()));
  const last = onnx.nodes.find(({ outputs }) => outputs.includes('probabilities'));
  expect(last).toMatchObject({ op: 'Sigmoid' });
  expect(JSON.parse(onnx.metadata.postprocessing)).toEqual({
    output: 'probabilities',
    activation: 'sigmoid',
    threshold: 0.5,
  });
  expect(onnx.metadata.task).toBe('multi_label');
});

test('each example prints every class that is over 0.5', () => {
  const examples = exampleFiles(model, new Set(['onnx', 'tfjs', 'safetensors'] as const), true);
  for (const name of ['predict_onnx.py', 'predict_onnx.html', 'predict_tfjs.html', 'load_pytorch.py']) {
    expect(examples.get(`examples/${name}`), name).toContain('predicted_classes');
    expect(exampleFiles(trainedTiny(), new Set(['onnx', 'tfjs', 'safetensors'] as const), true).get(`examples/${name}`)).not.toContain('predicted_classes'); // prettier-ignore
  }
  expect(examples.get('examples/load_pytorch.py')).toContain('logits.sigmoid()');
});

test('the model card has average precision, an undefined one as such, and no majority class', () => {
  const card = modelCard(model, [], { normalization: true, imagesAre: 'held-out images' });
  expect(card).toContain('| Class | Precision | Recall | F1 | Average precision | Images |');
  expect(card).toContain('Mean average precision | 75.0 % | 50.0 %');
  expect(card).toContain('the checkpoint "epoch-3"');
  expect(card).toContain('an image may get several or none');
  expect(card).not.toContain('Always ""');
});
