// MODEL_CARD.md of a bundle: what the model is, what it was trained on, how good it is and how that is known.

import { formatBytes, formatCount, formatNumber, formatPercent, formatPlural } from '$lib/core/format';
import type { EvaluationResult, MetricValue } from '$lib/tasks/contract';
import type { FormatReport, TrainedModel } from '../contract';
import { VERSION } from '../version';

const TITLES: Readonly<Record<FormatReport['format'], string>> = {
  onnx: 'ONNX (opset 17)',
  tfjs: 'TF.js graph model',
  safetensors: 'safetensors (PyTorch names)',
  pytorch: 'PyTorch .pth (a state dict)',
};

const RESIZE: Readonly<Record<TrainedModel['preprocess']['resize'], string>> = {
  stretch: 'stretched to the size, its proportions are lost',
  crop: 'resized until it just covers the size, then the middle is taken',
  letterbox: 'resized until it just fits, in the middle of grey (114)',
};

/** Markdown's own signs in a text that is not ours. */
function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]<>#|]/g, '\\$&');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** 'balanced_accuracy' -> 'Balanced accuracy'. */
function titleOf(metric: string): string {
  const words = metric.replace(/_/g, ' ').replace(/\bf1\b/, 'F1');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Ratios as percentages; what lies outside 0..1 in either column, and losses, as numbers. */
function valueOf(metric: string, value: MetricValue): string {
  return metric === 'loss' ? formatNumber(value, 3) : formatPercent(value);
}

function metricsTable({ metrics, baseline }: EvaluationResult): string {
  const rows = Object.entries(metrics).map(([metric, value]) => [
    titleOf(metric),
    valueOf(metric, value),
    metric in baseline.metrics ? valueOf(metric, baseline.metrics[metric]) : '',
  ]);
  return table(['', 'This model', baseline.class === '' ? 'Baseline' : `Always "${plain(baseline.class)}"`], rows);
}

function classesTable({ per_class: classes }: EvaluationResult): string {
  const ranked = classes.some(({ average_precision: area }) => area !== undefined);
  const rows = classes.map(({ class: name, precision, recall, f1, average_precision: area, support }) => [
    plain(name),
    formatPercent(precision),
    formatPercent(recall),
    formatPercent(f1),
    ...(ranked ? [formatPercent(area ?? null)] : []),
    formatCount(support),
  ]);
  return table(['Class', 'Precision', 'Recall', 'F1', ...(ranked ? ['Average precision'] : []), 'Images'], rows);
}

function results(evaluation: TrainedModel['evaluation']): string {
  if (evaluation === null)
    return 'The model was not evaluated on held-out images: nothing is known about how good it is.';
  const { split, checkpoint, epoch, result } = evaluation;
  const which = ['best', 'last'].includes(checkpoint)
    ? `the ${checkpoint} checkpoint`
    : `the checkpoint "${plain(checkpoint)}"`;
  const images = formatPlural(result.count, 'image');
  const caution =
    split === 'test'
      ? ''
      : ' These images also chose the checkpoint, so that the numbers are somewhat better than on new images.';
  return `Measured on ${images} of the ${split} split, which were not trained on, with ${which} (epoch ${epoch}).${caution}
The last column is what a model would reach that ${
    result.baseline.class === ''
      ? 'gives every image the share of the training images that have a class'
      : 'always says the most frequent class'
  }.

${metricsTable(result)}

${classesTable(result)}`;
}

function verification(formats: readonly FormatReport[]): string {
  const rows = formats.map(({ format, files, images, maxDifference, relativeDifference }) => [
    TITLES[format],
    formatBytes(files.reduce((sum, { bytes }) => sum + bytes, 0)),
    formatCount(images),
    (maxDifference ?? 0).toExponential(1),
    (relativeDifference ?? 0).toExponential(1),
  ]);
  return table(['Format', 'Size', 'Images', 'Largest difference', 'Relative'], rows);
}

export function modelCard(
  model: TrainedModel,
  formats: readonly FormatReport[],
  { normalization, imagesAre }: { normalization: boolean; imagesAre: string },
): string {
  const { name, job, classes, data, preprocess, evaluation, graph, extractor } = model;
  const [height, width] = preprocess.imageSize;
  const parameters = graph.parameters
    .filter(({ trainable }) => trainable)
    .reduce((sum, { shape }) => sum + shape.reduce((product, length) => product * length, 1), 0);
  const numbers = (values: readonly number[]): string => values.map((value) => formatNumber(value, 4)).join(', ');
  const inside = normalization
    ? 'The ONNX and TF.js models do that themselves: they take RGB in 0..1.'
    : 'The caller has to do that: the exported models do not.';
  return `# ${plain(name)}

${plain(job.model.name)} for ${plain(model.task.id)} with ${formatPlural(classes.length, 'class', 'classes')}, ${formatCount(parameters)} trained parameters.
Made with Trainyard ${VERSION}; \`job.json\` repeats the training.

## Classes

${classes.map((label) => `- ${plain(label)}`).join('\n')}

## Data

Data set "${plain(data.name)}": ${formatCount(data.images.train)} images to train, ${formatCount(data.images.val)} to validate (they chose the checkpoint), ${formatCount(data.images.test)} to test.

## How good it is

${results(evaluation)}

## Input

- RGB, 8 bits, ${width} x ${height} pixels (width x height); EXIF orientation applied, transparency on white, colour profiles ignored.
- An image of another size is ${RESIZE[preprocess.resize]}; interpolation ${preprocess.interpolation}${preprocess.interpolation === 'nearest' ? '' : ', antialiased as in Pillow'}.
- Divided by 255, minus the mean (${numbers(preprocess.mean)}), divided by the deviation (${numbers(preprocess.std)}). ${inside}

${
  extractor === undefined
    ? ''
    : `The first part of the network is "${plain(extractor.title)}", an ONNX file that was not trained here (\`extractor.onnx\`): it makes
${formatCount(extractor.features)} features of an image. \`model.onnx\` holds both parts; \`model.safetensors\` and \`model.pth\` hold the trained head alone.

`
}\`examples/\` holds code that does all this.

## How it was verified

After writing, each file was loaded again and run on ${imagesAre}. This is the largest difference of its logits from those of the
model in training, and the same relative to the largest logit (at most 1e-4 is allowed):

${verification(formats)}

## Intended use and limits

- It knows the classes above and nothing else: ${
    model.task.activation.kind === 'sigmoid'
      ? 'each is a yes or no of its own, and an image may get several or none.'
      : 'every image gets one of them, also images of other things.'
  }
- It was judged on images from the same source as those it was trained on. Other cameras, light, backgrounds or countries can make
  it much worse; try it on a few hundred images of the place where it will be used before relying on it.
- A probability is the model's own confidence, not a measured frequency.
- Do not let it alone decide about people.
`;
}
