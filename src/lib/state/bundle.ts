// What a dropped zip is: one of our bundles, weights, or images. Reads the end of the file only.

/** A zip's directory is at its end; 64 kB of it name a thousand files, a bundle has about a dozen. */
const TAIL_BYTES = 64 * 1024;

/** True for a zip that names a model.json and a model.onnx or model.safetensors at its top. Never rejects. */
export async function isBundle(file: Blob & { name: string }): Promise<boolean> {
  const names = await namesIn(file);
  return names.includes('model.json') && (names.includes('model.safetensors') || names.includes('model.onnx'));
}

/** True for a zip with a model.json and no bundle's weights (TensorFlow.js, Teachable Machine) or a pickle. Never rejects. */
export async function isWeightsZip(file: Blob & { name: string }): Promise<boolean> {
  const names = await namesIn(file);
  const pictures = /\.(jpe?g|png|webp|gif|bmp|avif)/i.test(names);
  return !pictures && (names.includes('data.pkl') || (names.includes('model.json') && !(await isBundle(file))));
}

/** The text around the names of a zip's last files; '' for anything else. */
async function namesIn(file: Blob & { name: string }): Promise<string> {
  if (!/\.zip$/i.test(file.name)) return '';
  try {
    const tail = new Uint8Array(await file.slice(Math.max(0, file.size - TAIL_BYTES)).arrayBuffer());
    return new TextDecoder('latin1').decode(tail);
  } catch {
    // It cannot be read; the import says so with the file's name.
    return '';
  }
}
