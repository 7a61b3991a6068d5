// Writes `model.pth` as torch.save does (its zip format): a state dict that torch.load reads, weights_only too, and
// load_state_dict(strict=True) takes.

import { stridesOf } from '$lib/graph/layout';
import { bytesOf, int64Bytes, utf8 } from '../bytes';
import type { TrainedModel } from '../contract';
import { stateDictOf } from '../state-dict';
import type { StateTensor } from '../state-dict';
import { PickleWriter } from './pickle-writer';
import { storedZip } from './stored-zip';
import type { ZipEntry } from './stored-zip';

/** Folder in the archive; any name will do. */
const FOLDER = 'model';
/** Of the format. */
const VERSION = '3\n';

/** The parameters may change or go once this returns. Throws `parameter-missing` and `weights-too-large`. */
export function writePyTorch(model: Pick<TrainedModel, 'graph' | 'parameters'>): Blob {
  const tensors = stateDictOf(model);
  const entries: ZipEntry[] = [
    { path: `${FOLDER}/data.pkl`, content: pickleOf(tensors) },
    { path: `${FOLDER}/byteorder`, content: utf8('little') },
    ...tensors.map((tensor, index) => ({
      path: `${FOLDER}/data/${index}`,
      content: tensor.dtype === 'F32' ? bytesOf(tensor.values) : int64Bytes(tensor.values),
    })),
    { path: `${FOLDER}/version`, content: utf8(VERSION) },
  ];
  return storedZip(entries);
}

/** OrderedDict of name -> torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks). */
function pickleOf(tensors: readonly StateTensor[]): ZipEntry['content'] {
  const pickle = new PickleWriter();
  pickle.orderedDictionary().items(() => {
    tensors.forEach(({ name, shape, dtype, values }, index) => {
      pickle.text(name).global('torch._utils', '_rebuild_tensor_v2');
      pickle.tuple(() => {
        pickle.tuple(() => {
          pickle.text('storage').global('torch', dtype === 'F32' ? 'FloatStorage' : 'LongStorage');
          pickle.text(String(index)).text('cpu').integer(values.length);
        });
        pickle.persistent().integer(0).integers(shape).integers(stridesOf(shape)).false().orderedDictionary();
      });
      pickle.reduce();
    });
  });
  return pickle.end();
}
