// What goes into an ONNX file: one batch of RGB images, in which layout, and what the file does to them first.

import { isObject } from '$lib/core/path';
import type { Pair } from '$lib/graph/types';
import type { InputPreprocess } from '../contract';
import { Unsupported } from './constant';
import { fixed, realInputs } from './file';
import type { OnnxFile } from './file';
import { Importer } from './importer';
import { image, plain } from './traced';
import type { Activation } from './traced';
import { readNode } from './walk';

export interface ImageInput {
  name: string;
  layout: 'NCHW' | 'NHWC';
  imageSize: Pair;
  /** Fixed number of images; null where any goes. */
  batch: number | null;
}

/** Where a file leaves height and width open. */
const USUAL_SIZE = 224;
const MAX_SIZE = 4096;
const FLOAT32 = 1;

/** Throws `Unsupported` for anything but one batch of images. */
export function imageInput(file: OnnxFile): ImageInput {
  const inputs = realInputs(file);
  if (inputs.length !== 1) throw new Unsupported(`It has ${inputs.length} inputs; one batch of images is needed.`);
  const [{ name, type, shape }] = inputs;
  if (type !== 0 && type !== FLOAT32 && type !== 10)
    throw new Unsupported('Its input is not of floating-point numbers.');
  if (shape === null || shape.length !== 4) {
    throw new Unsupported(`Its input has ${shape?.length ?? 'no known'} axes; images have four, with the batch.`);
  }
  const lengths = shape.map(fixed);
  const layout = lengths[1] === 3 || lengths[3] !== 3 ? 'NCHW' : 'NHWC';
  const channels = layout === 'NCHW' ? lengths[1] : lengths[3];
  if (channels !== null && channels !== 3) throw new Unsupported(`It reads images of ${channels} channels; RGB has 3.`);
  const [height, width] = layout === 'NCHW' ? [lengths[2], lengths[3]] : [lengths[1], lengths[2]];
  const usual = metadataSize(file) ?? [USUAL_SIZE, USUAL_SIZE];
  const imageSize: Pair = [height ?? width ?? usual[0], width ?? height ?? usual[1]];
  if (imageSize.some((length) => length > MAX_SIZE))
    throw new Unsupported(`It reads images of ${imageSize.join(' x ')}.`);
  return { name, layout, imageSize, batch: lengths[0] };
}

/** The batch of images as the walk sees it. */
export function inputActivation(importer: Importer, { layout }: ImageInput): Activation {
  const { input } = importer.builder;
  return layout === 'NCHW' ? image(input) : plain(input);
}

/** scale * x + shift of each channel, which the file does before anything else. */
export interface LeadingStep {
  scale: readonly number[];
  shift: readonly number[];
}

const FRONT: readonly string[] = ['Identity', 'Cast', 'Transpose', 'Sub', 'Add', 'Mul', 'Div'];

/** Null where the file begins with a layer. Throws nothing that the whole walk would not throw. */
export async function leadingStep(file: OnnxFile, input: ImageInput): Promise<LeadingStep | null> {
  const importer = new Importer(file, input.imageSize, input.batch ?? 1, file.nodes);
  const makers = new Map(file.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  let current = inputActivation(importer, input);
  let name = input.name;
  importer.values.set(name, current);
  for (;;) {
    const node = importer.onlyReader(name);
    if (node === null || node.domain !== '' || !FRONT.includes(node.op) || node.outputs.length !== 1) break;
    for (const other of node.inputs) {
      const maker = makers.get(other);
      if (!importer.values.has(other) && maker?.op === 'Constant' && maker.domain === '')
        await readNode(importer, maker);
    }
    // Both inputs must be there; a node that combines the image with a computed tensor ends the chain.
    if (node.inputs.some((each) => !importer.values.has(each))) break;
    try {
      await readNode(importer, node);
    } catch (error) {
      if (error instanceof Unsupported) break;
      throw error;
    }
    const result = importer.values.get(node.outputs[0]);
    const still =
      result?.what === 'activation' &&
      !importer.learned &&
      (result.value.id === importer.builder.input.id || importer.affineOf(result.value) !== null);
    if (result?.what !== 'activation' || !still) break;
    current = result;
    [name] = node.outputs;
  }
  return composed(importer, current);
}

function composed(importer: Importer, { value }: Activation): LeadingStep | null {
  let scale = [1, 1, 1];
  let shift = [0, 0, 0];
  let any = false;
  for (let step = importer.affineOf(value); step !== null; step = importer.affineOf(step.x)) {
    any = true;
    // From the last step backwards: s (s' x + t') + t.
    const before = step;
    shift = shift.map((value_, c) => value_ + scale[c] * before.shift[c]);
    scale = scale.map((value_, c) => value_ * before.scale[c]);
  }
  return any && scale.every((value_) => value_ > 0 && Number.isFinite(value_)) ? { scale, shift } : null;
}

function json(text: string | undefined): unknown {
  if (text === undefined || text.length > 1e6) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The names of the classes that our exports carry. */
export function metadataClasses({ metadata }: OnnxFile): readonly string[] | null {
  const labels = json(metadata.get('labels'));
  if (!Array.isArray(labels) || labels.length === 0) return null;
  const names = labels.filter((label): label is string => typeof label === 'string');
  return names.length === labels.length ? names : null;
}

function metadataPreprocessing({ metadata }: OnnxFile): Record<string, unknown> | null {
  const found = json(metadata.get('preprocessing'));
  return isObject(found) ? found : null;
}

function numbersOf(value: unknown, count: number): readonly number[] | null {
  if (!Array.isArray(value) || value.length !== count) return null;
  const found = value.filter((item): item is number => typeof item === 'number' && Number.isFinite(item));
  return found.length === count ? found : null;
}

function metadataSize(file: OnnxFile): Pair | null {
  const size = numbersOf(metadataPreprocessing(file)?.image_size, 2);
  if (size === null || size.some((length) => !Number.isInteger(length) || length < 1)) return null;
  return [size[0], size[1]];
}

/**
 * Mean and std of RGB in 0..1 that the network behind its leading step expects: what the step says, or our own metadata. A step
 * with a deviation above 1.5 is one for bytes.
 */
export function preprocessOf(
  file: OnnxFile,
  input: ImageInput | null,
  step: LeadingStep | null,
): InputPreprocess | null {
  const stored = metadataPreprocessing(file);
  const told = { mean: numbersOf(stored?.mean, 3), std: numbersOf(stored?.std, 3) };
  let mean = told.mean;
  let std = told.std;
  if (step !== null) {
    const range = step.scale.every((value) => 1 / value > 1.5) ? 255 : 1;
    const found = {
      mean: step.scale.map((value, c) => -step.shift[c] / value / range),
      std: step.scale.map((value) => 1 / value / range),
    };
    const near = (a: readonly number[] | null, b: readonly number[]): boolean =>
      a !== null && a.every((value, c) => Math.abs(value - b[c]) < 1e-5);
    // The file's own numbers, without the rounding to float32, where the two agree.
    if (!near(told.mean, found.mean) || !near(told.std, found.std)) ({ mean, std } = found);
  } else if (stored?.normalization_in_model === true) {
    // It must lie where it was not found.
    [mean, std] = [
      [0, 0, 0],
      [1, 1, 1],
    ];
  }
  if (mean === null || std === null || std.some((value) => value <= 0)) return null;
  const oneOf = <const T extends string>(value: unknown, ...allowed: readonly T[]): T | null =>
    allowed.find((candidate) => candidate === value) ?? null;
  return {
    mean: [mean[0], mean[1], mean[2]],
    std: [std[0], std[1], std[2]],
    imageSize: input?.imageSize ?? metadataSize(file),
    resize: oneOf(stored?.resize, 'stretch', 'crop', 'letterbox'),
    interpolation: oneOf(stored?.interpolation, 'bilinear', 'bicubic', 'nearest'),
  };
}
