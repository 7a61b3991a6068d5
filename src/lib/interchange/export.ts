// Writes a trained model in the formats that are asked for, loads each file again, runs it on held-out images and compares it with
// the reference engine. What differs is reported as failed, and its files are withheld.

import { TrainyardError } from '$lib/core/errors';
import type { Engine } from '$lib/engines/contract';
import { writeBundle } from './bundle/write';
import type { ExportEvent, ExportFile, ExportFormat, ExportReport, FormatReport, TrainedModel } from './contract';
import { writeOnnx } from './onnx/write';
import { writeWithExtractor } from './onnx/write-with-extractor';
import { readPyTorchParameters } from './pytorch/parameters';
import { writePyTorch } from './pytorch/write';
import { readParameters, writeSafetensors } from './safetensors/parameters';
import { writeTfjs } from './tfjs/write';
import { checkLoaded, judge, modelOutputs, stopIfAborted } from './verify/check';
import type { CheckImages } from './verify/check';
import { TOLERANCE, difference } from './verify/compare';
import type { Difference } from './verify/compare';
import { fileNamed } from './verify/runner';
import type { LoadModel } from './verify/runner';

/** What runs the files that were written. */
export interface ExportRunners {
  /** The reference, and what runs reread weights. */
  engine: Pick<Engine, 'predictor'>;
  onnx: LoadModel;
  tfjs: LoadModel;
}

export interface ExportRequest {
  model: TrainedModel;
  formats: readonly ExportFormat[];
  /** Make bundle.zip of what was verified. It holds safetensors even where they were not asked for: it is opened again by them. */
  bundle: boolean;
  /** Subtract mean and divide by std inside ONNX and TF.js models. Default true. */
  normalization?: boolean;
  images: CheckImages;
  /** What the images are, for the model card. Default: held-out images. */
  imagesAre?: string;
  runners: ExportRunners;
  onEvent?: (event: ExportEvent) => void;
  signal?: AbortSignal;
}

export interface ExportResult {
  report: ExportReport;
  /** Of verified formats alone. */
  files: readonly ExportFile[];
  bundle: Blob | null;
}

interface Checked {
  report: FormatReport;
  files: readonly ExportFile[];
}

/** Formats in the order in which they are written, checked and listed. */
const ORDER: readonly ExportFormat[] = ['onnx', 'tfjs', 'safetensors', 'pytorch'];

/** Writes the files of one format. New formats come here and to `check` below; the compiler says so. */
const WRITERS: Readonly<Record<ExportFormat, (model: TrainedModel, normalization: boolean) => Promise<ExportFile[]>>> =
  {
    onnx: async (model, normalization) => {
      const write = model.extractor === undefined ? writeOnnx : writeWithExtractor;
      return [{ path: 'model.onnx', blob: await write(model, { normalization }) }];
    },
    tfjs: async (model, normalization) => {
      if (model.extractor !== undefined) {
        throw new TrainyardError(
          'export-extractor',
          'Its features come from an ONNX file, which TF.js cannot run.',
          'Use the ONNX export.',
        );
      }
      return writeTfjs(model, { normalization });
    },
    safetensors: async (model) => [{ path: 'model.safetensors', blob: writeSafetensors(model) }],
    pytorch: async (model) => [{ path: 'model.pth', blob: writePyTorch(model) }],
  };

/** What a format lacks of a model whose features come from an ONNX file; '' where it is whole. */
function noteOf(format: ExportFormat, { extractor }: TrainedModel): string {
  if (extractor === undefined || format === 'onnx' || format === 'tfjs') return '';
  return `It holds the head alone, which reads ${extractor.features} features; the network before it is in extractor.onnx.`;
}

/** Throws `check-images`, `reference-not-finite` and, when aborted, `cancelled`; a format that fails is told in the report. */
export async function exportModel(request: ExportRequest): Promise<ExportResult> {
  const { model, bundle: wantBundle, images, runners, signal, normalization = true } = request;
  const onEvent = request.onEvent ?? (() => {});
  const wanted = new Set<ExportFormat>(wantBundle ? [...request.formats, 'safetensors'] : request.formats);
  onEvent({ type: 'phase', phase: 'reference', format: null });
  const reference = await referenceOutputs(request);
  const checked: Checked[] = [];
  for (const format of ORDER.filter((candidate) => wanted.has(candidate))) {
    stopIfAborted(signal);
    const result = await writeAndCheck(format, { model, normalization, images, runners, reference, onEvent, signal });
    checked.push(result);
    onEvent({ type: 'format', report: result.report });
  }
  const formats = checked.map(({ report }) => report);
  const files = checked.flatMap((result) => (result.report.status === 'verified' ? result.files : []));
  const openable = formats.some(({ format, status }) => format === 'safetensors' && status === 'verified');
  if (!wantBundle || !openable) return { report: { formats, bundle: null }, files, bundle: null };
  stopIfAborted(signal);
  onEvent({ type: 'phase', phase: 'bundling', format: null });
  const verified = formats.filter(({ status }) => status === 'verified');
  const bundle = await writeBundle({ model, files, formats: verified, normalization, imagesAre: request.imagesAre });
  return { report: { formats, bundle: { path: 'bundle.zip', bytes: bundle.size } }, files, bundle };
}

async function referenceOutputs({ model, images, runners, signal }: ExportRequest): Promise<Float32Array> {
  const outputs = await modelOutputs(runners.engine, model, images, signal);
  if (outputs.every(Number.isFinite)) return outputs;
  throw new TrainyardError(
    'reference-not-finite',
    `The model "${model.name}" gives values that are not numbers, so that there is nothing to compare an export with.`,
    'Its training has diverged: take an earlier checkpoint or train again with a lower learning rate.',
  );
}

interface CheckContext {
  model: TrainedModel;
  normalization: boolean;
  images: CheckImages;
  runners: ExportRunners;
  reference: Float32Array;
  onEvent: (event: ExportEvent) => void;
  signal: AbortSignal | undefined;
}

async function writeAndCheck(format: ExportFormat, context: CheckContext): Promise<Checked> {
  const { model, normalization, images, onEvent } = context;
  let files: readonly ExportFile[] = [];
  let logits: Difference | null = null;
  let reason: string;
  try {
    onEvent({ type: 'phase', phase: 'writing', format });
    files = await WRITERS[format](model, normalization);
    onEvent({ type: 'phase', phase: 'checking', format });
    ({ logits, reason } = await check(format, files, context));
  } catch (error) {
    if (error instanceof TrainyardError && error.code === 'cancelled') throw error;
    // Whatever a writer or a runtime throws means that this format does not work; the others may.
    const message = error instanceof Error ? error.message : String(error);
    const impossible = error instanceof TrainyardError && error.code === 'export-extractor';
    reason = impossible ? message : `It cannot be loaded again: ${message}`;
  }
  const note = noteOf(format, model);
  const report: FormatReport = {
    format,
    files: files.map(({ path, blob }) => ({ path, bytes: blob.size })),
    status: reason === '' ? 'verified' : 'failed',
    reason,
    maxDifference: logits?.max ?? null,
    relativeDifference: logits?.relative ?? null,
    tolerance: TOLERANCE,
    images: images.shape[0],
    ...(note === '' ? {} : { note }),
  };
  return { report, files };
}

/** Loads the files and compares what they compute. `reason` is '' when they are right. */
async function check(
  format: ExportFormat,
  files: readonly ExportFile[],
  { model, normalization, images, runners, reference, signal }: CheckContext,
): Promise<{ logits: Difference; reason: string }> {
  if (format === 'safetensors' || format === 'pytorch') {
    const parameters =
      format === 'safetensors'
        ? await readParameters(model.graph, fileNamed(files, 'model.safetensors').blob)
        : await readPyTorchParameters(model.graph, fileNamed(files, 'model.pth').blob, 'model.pth');
    const outputs = await modelOutputs(runners.engine, { ...model, parameters }, images, signal);
    const logits = difference(reference, outputs);
    return { logits, reason: judge('logits', logits) };
  }
  const loaded = await runners[format](files);
  try {
    return await checkLoaded(loaded, model, reference, images, { normalization, signal });
  } finally {
    await loaded.dispose();
  }
}
