// Brings weights from a file into a model: finds its tensors, checks their shapes, moves values into our layouts and reports what
// became of each. Knows formats by their convention alone.

import { TrainyardError } from '$lib/core/errors';
import { fromPyTorch } from '$lib/graph/layout';
import { elements } from '$lib/graph/ops/operation';
import type { Graph, ParameterValues } from '$lib/graph/types';
import type { ModelMeta, WeightsMapping } from '$lib/models/contract';
import type { LoadReport, TensorEntry, WeightsFile } from './contract';
import { matchByName } from './match/by-name';
import { matchTorchByOrder } from './match/by-order';
import { matchKeras } from './match/keras';
import { patchGrids, resample } from './match/patch-grids';
import type { PatchGrids } from './match/patch-grids';
import { isCounter } from './match/matched';
import type { Matched } from './match/matched';
import { firstConvolution, sameShape, wantedBy } from './match/model-side';
import type { Wanted } from './match/model-side';

export interface LoadOptions {
  /** Name of the file, address or hub name; for the report. */
  source: string;
  mapping?: WeightsMapping | null;
}

/** Under this share of the backbone's tensors a file belongs to another model. */
const LEAST_SHARE = 0.5;
/** Under this one it may: ResNet-50 has more than half of its tensors in common with ResNet-34. */
const DOUBTFUL_SHARE = 0.9;

/**
 * The model's parameters with what the file has of them. Arrays of `initial` are reused where it has none. Throws
 * `weights-mismatch` when less than half of the backbone's tensors fit, `weights-not-finite` and what reading throws.
 */
export async function loadWeights(
  graph: Graph,
  file: WeightsFile,
  initial: ParameterValues,
  { source, mapping = null }: LoadOptions,
): Promise<{ parameters: Map<string, Float32Array>; report: LoadReport }> {
  const wanted = wantedBy(graph);
  const matched = match(wanted, file, mapping);
  const plan = planOf(graph, wanted, matched);
  const backbone = wanted.filter((parameter) => parameter.backbone);
  const fitting = backbone.filter(({ name }) => (plan.get(name)?.kind ?? 'mismatch') !== 'mismatch').length;
  if (fitting < LEAST_SHARE * backbone.length) throw await mismatch(source, fitting, backbone.length, file);

  const likely = fitting < DOUBTFUL_SHARE * backbone.length ? await likelyModel(file, fitting / backbone.length) : null;
  const doubts = likely === null ? [] : [`They look like weights of another model, ${likely.title} (${likely.id}).`];
  const scratch = new Float32Array(Math.max(0, ...wanted.map(({ shape }) => elements(shape))));
  const reversed =
    mapping?.kerasInput?.channels === 'bgr' && matched.layout === 'keras' ? firstConvolution(graph) : null;
  const parameters = new Map<string, Float32Array>();
  const loaded: string[] = [];
  const missing: string[] = [];
  const mismatched: LoadReport['mismatched'][number][] = [];
  const resampled: LoadReport['resampled'][number][] = [];
  const used = new Set<string>();
  for (const parameter of wanted) {
    const { name, shape } = parameter;
    const step = plan.get(name);
    if (step !== undefined) used.add(step.entry.name);
    if (step?.kind === 'load') {
      const values = await readValues(step.entry, parameter, matched, scratch);
      parameters.set(name, name === reversed ? withReversedChannels(values, parameter) : values);
      loaded.push(name);
      continue;
    }
    if (step?.kind === 'resample') {
      parameters.set(name, resample(await readValues(step.entry, parameter, matched, scratch), step.grids));
      resampled.push({ name, from: step.entry.shape, to: shape });
      continue;
    }
    const start = initial.get(name);
    if (start !== undefined) parameters.set(name, start);
    if (step === undefined) missing.push(name);
    else mismatched.push({ name, expected: shape, found: step.entry.shape, reason: reasonOf(parameter, step.entry) });
  }
  const unused = file.tensors.map(({ name }) => name).filter((name) => !used.has(name) && !isCounter(name));
  const report: LoadReport = {
    source,
    format: file.format,
    loaded,
    missing,
    unused,
    mismatched,
    resampled,
    backbone: { loaded: fitting, total: backbone.length },
    notes: [...matched.notes, ...doubts],
  };
  return { parameters, report };
}

function match(
  wanted: readonly Wanted[],
  { convention, tensors }: WeightsFile,
  mapping: WeightsMapping | null,
): Matched {
  if (convention === 'keras') return matchKeras(wanted, tensors, mapping);
  const named = matchByName(wanted, tensors);
  const backbone = wanted.filter((parameter) => parameter.backbone);
  if (2 * backbone.filter(({ name }) => named.tensors.has(name)).length >= backbone.length) return named;
  return matchTorchByOrder(wanted, tensors) ?? named;
}

/** What becomes of a parameter that the file has. */
type Step =
  | { kind: 'load'; entry: TensorEntry }
  | { kind: 'resample'; entry: TensorEntry; grids: PatchGrids }
  | { kind: 'mismatch'; entry: TensorEntry };

function planOf(graph: Graph, wanted: readonly Wanted[], { tensors, layout }: Matched): Map<string, Step> {
  const plan = new Map<string, Step>();
  for (const parameter of wanted) {
    const { name, shape, specification } = parameter;
    const entry = tensors.get(name);
    if (entry === undefined) continue;
    const fits = sameShape(layout === 'torch' ? shape : specification.shape, entry.shape);
    const grids = fits ? null : patchGrids(graph, parameter, entry.shape);
    plan.set(
      name,
      fits ? { kind: 'load', entry } : grids ? { kind: 'resample', entry, grids } : { kind: 'mismatch', entry },
    );
  }
  return plan;
}

/** `scratch` is memory for the largest tensor, in use until this returns. */
async function readValues(
  entry: TensorEntry,
  { specification, name }: Wanted,
  { layout }: Matched,
  scratch: Float32Array,
): Promise<Float32Array> {
  const values = await entry.read();
  if (!allFinite(values)) {
    throw new TrainyardError(
      'weights-not-finite',
      `Tensor "${name}" of the weights holds values that are not finite numbers.`,
      'Take other weights: training from these would give nothing but such values.',
    );
  }
  if (layout === 'keras' || specification.layout === 'plain') return values;
  // The array that was read becomes the result: a new one for each tensor would pile up until memory is collected.
  const copy = scratch.subarray(0, values.length);
  copy.set(values);
  return fromPyTorch(specification, copy, values);
}

/** A loop, not every(): this runs over each of a hundred million numbers. */
function allFinite(values: Float32Array): boolean {
  // Any infinity or NaN turns the sum into one that times zero is NaN; finite float32 numbers cannot overflow a float64 sum.
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at];
  return sum * 0 === 0;
}

/** A kernel [h, w, 3, out] that reads BGR as one that reads RGB. */
function withReversedChannels(values: Float32Array, { specification }: Wanted): Float32Array {
  const [height, width, channels, filters] = specification.shape;
  const result = new Float32Array(values.length);
  for (let place = 0; place < height * width; place++) {
    for (let channel = 0; channel < channels; channel++) {
      const from = (place * channels + channel) * filters;
      result.set(values.subarray(from, from + filters), (place * channels + channels - 1 - channel) * filters);
    }
  }
  return result;
}

function reasonOf({ backbone, shape }: Wanted, { shape: found }: TensorEntry): string {
  if (backbone) return 'another shape: starts anew';
  const count = (length: number): string => length.toLocaleString('en');
  // Frameworks put the classes first or last; what is left when the features are divided out is right for each.
  const product = (lengths: readonly number[]): number => lengths.reduce((total, length) => total * length, 1);
  const classes = product(found) / product(shape.slice(1));
  const had = Number.isInteger(classes) ? `of ${count(classes)} classes` : 'on other features';
  return `a classifier ${had}: replaced by one of ${count(shape[0] ?? 1)}`;
}

/** A model that fits better than this share. Keras's names say nothing of it. */
async function likelyModel({ convention, tensors }: WeightsFile, share: number): Promise<ModelMeta | null> {
  const { guessModel } = await import('./match/guess');
  return convention === 'keras' ? null : guessModel(tensors, share);
}

async function mismatch(source: string, found: number, total: number, file: WeightsFile): Promise<TrainyardError> {
  const likely = await likelyModel(file, found / total);
  const guess = likely === null ? '' : `; they look like weights of ${likely.title}`;
  return new TrainyardError(
    'weights-mismatch',
    `The weights "${source}" have ${found} of the ${total} tensors of the model's backbone${guess}.`,
    likely === null
      ? 'Choose the model that they were made for, or other weights.'
      : `Choose the model ${likely.id}, or other weights.`,
  );
}
