// Which examples a bundle gets: those whose model is in it.

import { getModel } from '$lib/models/registry';
import { TrainyardError } from '$lib/core/errors';
import type { ExportFormat, TrainedModel } from '../../contract';
import { torchModule } from '../../torch/write';
import { onnxPage, preprocessJs, tfjsPage } from './browser';
import { onnxPython, preprocessPython, torchPython } from './python';
import { exampleSettings } from './settings';

/** The architecture's name in timm, or null when it is not from there. */
export function timmName(model: Pick<TrainedModel, 'job'>): string | null {
  try {
    return /^timm ([\w.]+)$/.exec(getModel(model.job.model.name).meta.source)?.[1] ?? null;
  } catch (error) {
    // A bundle may be of a model that this program does not have (any more); its graph is enough.
    if (error instanceof TrainyardError) return null;
    throw error;
  }
}

/** Text by path inside the bundle. */
export function exampleFiles(
  model: TrainedModel,
  formats: ReadonlySet<ExportFormat>,
  normalization: boolean,
): Map<string, string> {
  const settings = exampleSettings(model, normalization);
  const timm = timmName(model);
  const files = new Map<string, string>();
  if (formats.has('onnx')) {
    files.set('predict_onnx.py', onnxPython(settings));
    files.set('predict_onnx.html', onnxPage(settings));
  }
  if (formats.has('tfjs')) files.set('predict_tfjs.html', tfjsPage(settings));
  // Behind an ONNX file the weights are the head's alone: nothing that PyTorch could run.
  if (formats.has('safetensors') && model.extractor === undefined) {
    files.set('load_pytorch.py', torchPython(settings, timm));
    if (timm === null) files.set('model.py', torchModule(model.graph, 'The trained network'));
  }
  if (files.has('predict_onnx.py') || files.has('load_pytorch.py'))
    files.set('preprocess.py', preprocessPython(settings));
  if (files.has('predict_onnx.html') || files.has('predict_tfjs.html'))
    files.set('preprocess.mjs', preprocessJs(settings));
  return new Map([...files].map(([name, text]) => [`examples/${name}`, text]));
}
