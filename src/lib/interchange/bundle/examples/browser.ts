// The JavaScript examples of a bundle: pages for onnxruntime-web and TensorFlow.js, with the preprocessing that both share.

import { LETTERBOX_GREY } from './settings';
import type { ExampleSettings } from './settings';

const RESIZE: Readonly<Record<ExampleSettings['resize'], string>> = {
  stretch: `  return resample(image, WIDTH, HEIGHT);`,
  crop: `  // Resized until it just covers the input, then the middle is taken.
  const byWidth = WIDTH / image.width >= HEIGHT / image.height;
  const width = byWidth ? WIDTH : Math.max(WIDTH, Math.floor((HEIGHT * image.width) / image.height));
  const height = byWidth ? Math.max(HEIGHT, Math.floor((WIDTH * image.height) / image.width)) : HEIGHT;
  const half = (rest) => (rest % 4 === 1 ? (rest - 1) / 2 : Math.round(rest / 2)); // 0.5 is 0, 1.5 is 2
  const large = resample(image, width, height);
  return copy(large, { width: WIDTH, height: HEIGHT, data: new Uint8ClampedArray(3 * WIDTH * HEIGHT) }, -half(width - WIDTH), -half(height - HEIGHT));`,
  letterbox: `  // Resized until it just fits, in the middle of grey.
  const scale = Math.min(WIDTH / image.width, HEIGHT / image.height);
  const width = Math.min(WIDTH, Math.max(1, Math.round(image.width * scale)));
  const height = Math.min(HEIGHT, Math.max(1, Math.round(image.height * scale)));
  const grey = { width: WIDTH, height: HEIGHT, data: new Uint8ClampedArray(3 * WIDTH * HEIGHT).fill(${LETTERBOX_GREY}) };
  return copy(resample(image, width, height), grey, (WIDTH - width) >> 1, (HEIGHT - height) >> 1);`,
};

const COPY = `
// Copies an image into another with its corner at (left, top); what lies outside is left out.
function copy(from, to, left, top) {
  for (let y = Math.max(0, -top); y < Math.min(from.height, to.height - top); y++) {
    const first = Math.max(0, -left), last = Math.min(from.width, to.width - left);
    const row = from.data.subarray(3 * (y * from.width + first), 3 * (y * from.width + last));
    to.data.set(row, 3 * ((y + top) * to.width + left + first));
  }
  return to;
}
`;

const KERNEL: Readonly<Record<'bilinear' | 'bicubic', string>> = {
  bilinear: `const SUPPORT = 1;
const kernel = (x) => Math.max(0, 1 - Math.abs(x));`,
  bicubic: `const SUPPORT = 2;
const kernel = (x, a = Math.abs(x)) =>
  a < 1 ? (1.5 * a - 2.5) * a * a + 1 : a < 2 ? (((a - 5) * a + 8) * a - 4) * -0.5 : 0;`,
};

const NEAREST = `// For each output pixel the input pixel under its centre.
function taps(input, output) {
  return Array.from({ length: output }, (_, i) => ({ first: Math.min(input - 1, Math.floor((i + 0.5) * (input / output))), weights: [ONE] }));
}`;

const ANTIALIASED = `// For each output pixel the first input pixel that counts and the weights from there on.
function taps(input, output) {
  const scale = input / output, stretch = Math.max(scale, 1);
  return Array.from({ length: output }, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - SUPPORT * stretch + 0.5));
    const last = Math.min(input, Math.trunc(center + SUPPORT * stretch + 0.5));
    const weights = Array.from({ length: last - first }, (_, tap) => kernel((tap + first - center + 0.5) / stretch));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: weights.map((weight) => Math.trunc((weight / total) * ONE + Math.sign(weight) * 0.5)) };
  });
}`;

/** `preprocess.mjs` */
export function preprocessJs(settings: ExampleSettings): string {
  const { height, width, resize, interpolation, mean, std } = settings;
  const filter = interpolation === 'nearest' ? NEAREST : `${KERNEL[interpolation]}\n\n${ANTIALIASED}`;
  return `// From an image file to the model's input as in training: resized like Pillow does (antialiased), not like a canvas.
export const WIDTH = ${width};
export const HEIGHT = ${height};
const MEAN = [${mean.join(', ')}];
const STD = [${std.join(', ')}];

// A Blob or File as { width, height, data }, data RGB.
export async function decode(file) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none' });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  const rgba = context.getImageData(0, 0, width, height).data;
  return { width, height, data: Uint8ClampedArray.from({ length: 3 * width * height }, (_, i) => rgba[4 * Math.floor(i / 3) + (i % 3)]) };
}

// Weights are whole numbers of this, as in Pillow.
const ONE = 2 ** 22;
${filter}

// Columns first, then rows, 8 bits in between.
function resample(image, width, height) {
  return turn(along(turn(along(image, width)), height));
}

function along({ width: input, height, data }, width) {
  const result = new Uint8ClampedArray(3 * width * height);
  taps(input, width).forEach(({ first, weights }, x) => {
    for (let y = 0; y < height; y++)
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        weights.forEach((weight, tap) => (sum += weight * data[3 * (y * input + first + tap) + channel]));
        result[3 * (y * width + x) + channel] = Math.floor(sum / ONE + 0.5);
      }
  });
  return { width, height, data: result };
}

// Rows become columns.
function turn({ width, height, data }) {
  const result = new Uint8ClampedArray(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let channel = 0; channel < 3; channel++)
        result[3 * (x * height + y) + channel] = data[3 * (y * width + x) + channel];
  return { width: height, height: width, data: result };
}
${resize === 'stretch' ? '' : COPY}
export function toInputSize(image) {
${RESIZE[resize]}
}

// Pixels as numbers in 0..1, [HEIGHT, WIDTH, 3]; with \`normalize\` minus mean, divided by deviation.
export function toNumbers({ data }, normalize = ${String(!settings.normalization)}) {
  return Float32Array.from(data, (byte, i) => (normalize ? (byte / 255 - MEAN[i % 3]) / STD[i % 3] : byte / 255));
}

// The same numbers as [3, HEIGHT, WIDTH].
export function channelsFirst(values) {
  return values.map((_, i) => values[3 * (i % (WIDTH * HEIGHT)) + Math.floor(i / (WIDTH * HEIGHT))]);
}
`;
}

function page(title: string, install: string, name: string, head: string, script: string): string {
  return `<!doctype html>
<meta charset="utf-8">
<title>${title}</title>
<!--
  In the folder that holds model.json:
    npm install ${install}
    npx serve            (or any other server of static files)
  and open /examples/${name}.
-->
<input type="file" accept="image/*" disabled>
<pre id="result">Choose an image.</pre>
${head}<script type="module">
${script}
</script>
`;
}

const show = (several: boolean): string => `function show(labels, scores) {
  const all = Object.fromEntries(labels.map((label, i) => [label, scores[i]]));
  const best = scores.indexOf(Math.max(...scores));
  const answer = { predicted_class: labels[best], confidence: scores[best], all_predictions: all };${
    several ? '\n  answer.predicted_classes = labels.filter((_, i) => scores[i] > 0.5);' : ''
  }
  document.querySelector('#result').textContent = JSON.stringify(answer, null, 2);
}

const input = document.querySelector('input');
input.addEventListener('change', () => predict(input.files[0]));
input.disabled = false;`;

/** `predict_onnx.html` */
export function onnxPage({ output, activation }: ExampleSettings): string {
  return page(
    'model.onnx in the browser',
    'onnxruntime-web',
    'predict_onnx.html',
    '',
    `import * as ort from '../node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs';
import { channelsFirst, decode, HEIGHT, toInputSize, toNumbers, WIDTH } from './preprocess.mjs';

const { labels } = await (await fetch('../model.json')).json();
const session = await ort.InferenceSession.create('../model.onnx');

async function predict(file) {
  const values = channelsFirst(toNumbers(toInputSize(await decode(file))));
  const { ${output} } = await session.run({ image: new ort.Tensor('float32', values, [1, 3, HEIGHT, WIDTH]) });
  show(labels, [...${output}.data]);
}

${show(activation === 'sigmoid')}`,
  );
}

/** `predict_tfjs.html` */
export function tfjsPage({ output, activation }: ExampleSettings): string {
  return page(
    'The TF.js model in the browser',
    '@tensorflow/tfjs',
    'predict_tfjs.html',
    '<script src="../node_modules/@tensorflow/tfjs/dist/tf.min.js"></script>\n',
    `import { decode, HEIGHT, toInputSize, toNumbers, WIDTH } from './preprocess.mjs';

const { labels } = await (await fetch('../model.json')).json();
const model = await tf.loadGraphModel('../tfjs/model.json');

async function predict(file) {
  const input = tf.tensor(toNumbers(toInputSize(await decode(file))), [1, HEIGHT, WIDTH, 3]);
  const scores = model.execute(input, '${output}');
  show(labels, [...(await scores.data())]);
  tf.dispose([input, scores]);
}

${show(activation === 'sigmoid')}`,
  );
}
