// Whether a dropped file is one of our bundles rather than a zip of images. Reads the end of the file only.

/** A zip's directory is at its end; 64 kB of it name a thousand files, a bundle has about a dozen. */
const TAIL_BYTES = 64 * 1024;

/** True for a zip that names a model.json and a model.onnx or model.safetensors at its top. Never rejects. */
export async function isBundle(file: Blob & { name: string }): Promise<boolean> {
  if (!/\.zip$/i.test(file.name)) return false;
  try {
    const tail = new Uint8Array(await file.slice(Math.max(0, file.size - TAIL_BYTES)).arrayBuffer());
    const text = new TextDecoder('latin1').decode(tail);
    return text.includes('model.json') && (text.includes('model.safetensors') || text.includes('model.onnx'));
  } catch {
    // It cannot be read; the import says so with the file's name.
    return false;
  }
}
