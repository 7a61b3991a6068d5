import { describe, expect, it } from 'vitest';
import type { Item, SplitName } from '$lib/storage/records';
import { TASKS } from '$lib/tasks/catalog';
import { getTask } from '$lib/tasks/registry';

const task = getTask('classification');
const classes = ['rose', 'tulip', 'daisy'];

function annotation(index: number) {
  return { kind: 'class', class: index } as const;
}

function items(...rows: [SplitName, number][]): Item[] {
  return rows.map(([split, index], row) => ({
    path: `${row}.png`,
    blob: String(row),
    width: 8,
    height: 8,
    bytes: 10,
    annotation: annotation(index),
    split,
  }));
}

describe('the tasks', () => {
  it('have code for all that the catalogue shows', () => {
    for (const meta of TASKS) expect(getTask(meta.id)).toMatchObject({ id: meta.id, title: meta.title });
  });
  it('name the one that was meant', () => {
    expect(() => getTask('clasification')).toThrow('did you mean "classification"?');
  });
  it('decide by a metric that they have', () => {
    for (const { metrics, primaryMetric } of TASKS) expect(metrics.map(({ id }) => id)).toContain(primaryMetric);
  });
});

describe('classification', () => {
  it('makes one-hot targets', () => {
    const { values, shape } = task.targets([annotation(2), annotation(0)], classes);
    expect(shape).toEqual([2, 3]);
    expect([...values]).toEqual([0, 0, 1, 1, 0, 0]);
    expect(() => task.targets([{ kind: 'none' }], classes)).toThrow('needs one class');
  });

  it('evaluates with the majority class of train beside it', () => {
    const logits = [2, 1, 0, 0, 3, 0, 0, 3, 0, 1, 0, 2];
    const { result, images } = task.evaluate({
      outputs: Float32Array.from(logits),
      annotations: [0, 1, 2, 2].map(annotation),
      paths: ['a', 'b', 'c', 'd'],
      classes,
      train: [2, 2, 1, 0].map(annotation),
    });
    expect(result.count).toBe(4);
    expect(result.metrics.accuracy).toBe(0.75);
    expect(result.metrics.balanced_accuracy).toBeCloseTo((1 + 1 + 0.5) / 3, 12);
    expect(result.metrics).not.toHaveProperty('top5_accuracy');
    expect(result.confusion_matrix).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [0, 1, 1],
    ]);
    expect(result.per_class[2]).toEqual({ class: 'daisy', precision: 1, recall: 0.5, f1: 2 / 3, support: 2 });
    expect(result.baseline).toMatchObject({ class: 'daisy', metrics: { accuracy: 0.5 } });
    // The third image: -log(e^0 / (e^0 + e^3 + e^0)).
    expect(images.loss[2]).toBeCloseTo(Math.log(2 + Math.exp(3)), 6);
    expect(result.metrics.loss).toBeCloseTo(images.loss.reduce((sum, loss) => sum + loss, 0) / 4, 6);
    expect([...images.predictedClass]).toEqual([0, 1, 1, 2]);
    expect(images.confidence[2]).toBeCloseTo(Math.exp(3) / (2 + Math.exp(3)), 6);
  });

  it('counts the top five where there are more than five classes', () => {
    const many = ['a', 'b', 'c', 'd', 'e', 'f'];
    const { result } = task.evaluate({
      outputs: Float32Array.from([6, 5, 4, 3, 2, 1, 6, 5, 4, 3, 2, 1]),
      annotations: [4, 5].map(annotation),
      paths: ['a', 'b'],
      classes: many,
      train: [],
    });
    expect(result.metrics.top5_accuracy).toBe(0.5);
    expect(result.baseline.metrics).toEqual({});
  });

  it('decodes one row as the command line prints it, most probable first', () => {
    const json = task.decode(Float32Array.from([0, 2, 1]), classes, 'x.png');
    expect(json).toMatchObject({ image: 'x.png', predicted_class: 'tulip' });
    expect(Object.keys(json.all_predictions)).toEqual(['tulip', 'daisy', 'rose']);
    expect(json.confidence).toBe(json.all_predictions.tulip);
    expect(Object.values(json.all_predictions).reduce((sum, p) => sum + p)).toBeCloseTo(1, 6);
  });

  it('writes predictions.csv with quoted names and a column for each class', () => {
    const csv = task.predictionsCsv(
      {
        paths: ['a, "b".png'],
        trueClass: Int32Array.of(1),
        predictedClass: Int32Array.of(0),
        confidence: Float32Array.of(0.75),
        loss: Float32Array.of(1.3862944),
        probabilities: Float32Array.of(0.75, 0.25),
      },
      ['x', 'y'],
    );
    expect(csv).toBe(
      'image,true_class,predicted_class,confidence,loss,p:x,p:y\r\n"a, ""b"".png",y,x,0.75,1.386294,0.75,0.25\r\n',
    );
  });
});

describe('data that cannot be trained on', () => {
  it.each<[string, Item[], string[], string]>([
    ['no image at all', [], ['a', 'b'], 'The data set has no images.'],
    ['nothing in train', items(['test', 0], ['val', 1]), ['a', 'b'], 'None of the 2 images is in the train split.'],
    ['one class', items(['train', 0]), ['a'], 'only one class, "a"'],
    [
      'a class without train images',
      items(['train', 0], ['train', 0], ['test', 1], ['test', 1]),
      ['a', 'b'],
      'Class "b" has no image in the train',
    ],
    [
      'several such classes',
      items(['train', 0], ['train', 0]),
      ['a', 'b', 'c'],
      'Classes "b", "c" have no image in the train split',
    ],
    [
      'a class with one image',
      items(['train', 0], ['train', 0], ['train', 1]),
      ['a', 'b'],
      'Class "b" has only one image',
    ],
  ])('is refused: %s', (_, rows, names, message) => {
    expect(() => task.checkTrainable(rows, names)).toThrow(message);
  });

  it('is told from data that can', () => {
    const rows = items(['train', 0], ['train', 1], ['val', 0], ['test', 1]);
    expect(() => task.checkTrainable(rows, ['a', 'b'])).not.toThrow();
  });
});
