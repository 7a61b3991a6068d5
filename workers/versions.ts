// The versions that `doctor` tells: ours and those of the libraries that compute. Pinned exactly, so package.json knows them.

import { dependencies, version } from '../package.json';

export const VERSIONS: Readonly<Record<string, string>> = {
  trainyard: version,
  'tensorflow.js': dependencies['@tensorflow/tfjs-core'],
  'onnxruntime-web': dependencies['onnxruntime-web'],
};
