// Gives exported files to the person: one as it is, several as a zip that keeps their folders.
import type { ExportFile } from '$lib/interchange/contract';
import { download } from '$lib/ui/download';

/** 'tiny-cnn 1' -> 'tiny-cnn-1': what every file system takes. */
export function fileName(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replaceAll(/^-+|-+$/g, '') || 'model';
}

export async function saveFormat(name: string, format: string, files: readonly ExportFile[]): Promise<void> {
  const [only] = files;
  if (files.length === 1) {
    download(only.blob, only.path.split('/').at(-1) ?? only.path);
    return;
  }
  const { default: JSZip } = await import('jszip');
  const zip = new JSZip();
  for (const { path, blob } of files) zip.file(path, blob);
  // Stored: weights do not get smaller, and deflating them takes seconds.
  download(await zip.generateAsync({ type: 'blob', compression: 'STORE' }), `${fileName(name)}-${format}.zip`);
}

export function saveBundle(name: string, bundle: Blob): void {
  download(bundle, `${fileName(name)}-bundle.zip`);
}
