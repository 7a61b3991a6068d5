import { describe, expect, it } from 'vitest';
import type { Annotation, Item, SplitName } from '$lib/storage/records';
import { getTask } from '$lib/tasks/registry';

const task = getTask('multi_label');
const classes = ['sky', 'sea', 'sand'];

function several(...indices: number[]): Annotation {
  return { kind: 'classes', classes: indices };
}

function item(split: SplitName, annotation: Annotation): Item {
  return { path: 'x.png', blob: 'x', width: 8, height: 8, bytes: 10, annotation, split };
}

describe('multi-label classification', () => {
  it('has a target for each class of each image, none for an image without', () => {
    const { values, shape } = task.targets([several(0, 2), several(), { kind: 'class', class: 1 }], classes);
    expect(shape).toEqual([3, 3]);
    expect([...values]).toEqual([1, 0, 1, 0, 0, 0, 0, 1, 0]);
    expect(() => task.targets([{ kind: 'none' }], classes)).toThrow('not annotated');
  });

  it('groups images by their rarest class', () => {
    expect([...Array.from(task.strata([several(0, 2), several(0), several(), several(0, 1)]))]).toEqual([2, 0, -1, 1]);
  });

  it('evaluates each class as a yes or no, with the frequencies of train beside it', () => {
    const { result, images } = task.evaluate({
      // The logits of .7, .1, ... would do as well: only signs and order matter to these metrics.
      outputs: Float32Array.from([2, -3, -1, -1, 4, -2, -0.5, 1, -3, -3, 3, -5]),
      annotations: [several(0), several(0, 1), several(), several(1)],
      paths: ['a', 'b', 'c', 'd'],
      classes,
      train: [several(0), several(0, 1), several(0, 2), several(), several()],
    });
    const { metrics, baseline } = result;
    expect(metrics.mean_average_precision).toBeCloseTo((0.5 + 0.5 * (2 / 3) + 1) / 2, 12);
    expect(metrics.macro_f1).toBeCloseTo((2 / 3 + 0.8) / 2, 12);
    expect(metrics).toMatchObject({ micro_f1: 0.75, subset_accuracy: 0.5, hamming_loss: 2 / 12 });
    expect(metrics.loss).toBeCloseTo(images.loss.reduce((sum, loss) => sum + loss) / 4, 6);
    expect(result.per_class[1]).toEqual({
      class: 'sea',
      precision: 2 / 3,
      recall: 1,
      f1: 0.8,
      support: 2,
      average_precision: 1,
    });
    expect(result.per_class[2].average_precision).toBeNull();
    expect(result).not.toHaveProperty('confusion_matrix');
    // Sky is in three of five train images, so that it is always said; equal scores rank by chance, which is how often a class occurs.
    expect(baseline).toMatchObject({ name: 'class frequencies', class: '' });
    expect(baseline.metrics).toMatchObject({ mean_average_precision: 0.5, subset_accuracy: 0.25, micro_f1: 0.5 });
    expect([...images.trueClass]).toEqual([0, 0, -1, 1]);
    expect([...(images.trueClasses ?? [])]).toEqual([1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0]);
    expect([...images.predictedClass]).toEqual([0, 1, 1, 1]);
    expect(images.confidence[0]).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
  });

  it('says nothing of what is undefined', () => {
    const { result } = task.evaluate({ outputs: new Float32Array(3), annotations: [several()], paths: ['a'], classes, train: [] }); // prettier-ignore
    expect(result.metrics).toMatchObject({ mean_average_precision: null, macro_f1: null, subset_accuracy: 1 });
    expect(result.baseline.metrics).toEqual({});
  });

  it('decodes a row into every class that is more probable than not', () => {
    const json = task.decode(Float32Array.from([1, -1, 3]), classes, 'x.png');
    expect(json).toMatchObject({ image: 'x.png', predicted_class: 'sand', predicted_classes: ['sand', 'sky'] });
    expect(json.confidence).toBeCloseTo(1 / (1 + Math.exp(-3)), 6);
    expect(Object.keys(json.all_predictions)).toEqual(['sand', 'sky', 'sea']);
    expect(task.decode(Float32Array.from([-1, -2, 0]), ['2', '1', '0'], 'x.png').predicted_classes).toEqual([]);
    // An object would put these names in the order of numbers.
    expect(task.decode(Float32Array.from([1, 3, 2]), ['0', '1', '2'], 'x').predicted_classes).toEqual(['1', '2', '0']);
  });

  it('writes a row for each image, its classes joined', () => {
    const csv = task.predictionsCsv(
      {
        paths: ['a.png', 'b.png'],
        trueClass: Int32Array.of(0, -1),
        predictedClass: Int32Array.of(0, 1),
        confidence: Float32Array.of(0.75, 0.5),
        loss: Float32Array.of(0.25, 0.5),
        probabilities: Float32Array.of(0.75, 0.625, 0.25, 0.5),
        trueClasses: Uint8Array.of(1, 1, 0, 0),
      },
      ['x', 'y'],
    );
    expect(csv.split('\r\n')).toEqual([
      'image,true_classes,predicted_classes,loss,p:x,p:y',
      'a.png,x|y,x|y,0.25,0.75,0.625',
      'b.png,,,0.5,0.25,0.5',
      '',
    ]);
  });

  it.each<[string, Item[], string]>([
    ['no image', [], 'no images'],
    ['no train image', [item('val', several(0))], 'None of the 1 images'],
    [
      'a class without train images',
      [item('train', several(0, 1)), item('val', several(2))],
      'Class "sand" has no image',
    ],
  ])('refuses data with %s', (_, items, message) => {
    expect(() => task.checkTrainable(items, classes)).toThrow(message);
  });

  it('takes images without classes and a class with a single image', () => {
    const items = [item('train', several(0, 1, 2)), item('train', several())];
    expect(() => task.checkTrainable(items, classes)).not.toThrow();
  });

  it('is what classification asks for where images have several classes', () => {
    const items = [item('train', several(0, 1)), item('train', several(2))];
    expect(() => getTask('classification').checkTrainable(items, classes)).toThrow('several classes or none');
  });
});
