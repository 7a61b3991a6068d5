// Names of files: which are images by name, which are rubbish of operating systems, and the folder all of them share.
// What a file really is decides image-header.ts.

import { TrainyardError } from '$lib/core/errors';
import { formatBytes } from '$lib/core/format';
import type { SplitName } from '$lib/storage/records';
import type { SourceFile } from './contract';

const IMAGE = new Set(['jpg', 'jpeg', 'jpe', 'jfif', 'png', 'webp', 'gif', 'bmp', 'dib', 'avif', 'avifs']);
/** Images that browsers do not decode; the reason is given when their content is read. */
const OTHER_IMAGE = new Set(['tif', 'tiff', 'heic', 'heif', 'svg', 'jxl', 'psd', 'ico', 'jp2', 'tga']);
const ARCHIVE = new Set(['zip', 'gz', 'tgz', 'tar', 'rar', '7z', 'bz2', 'xz', 'zst']);
/** Usual companions of images; not worth reading to see that they are none. */
const DOCUMENT = new Set(
  'txt md csv tsv json jsonl xml yaml yml html htm pdf doc docx xls xlsx py ipynb js log ini cfg toml npy npz pkl mat h5 db mp4 avi mov mp3 wav names labels cache rtf'.split(
    ' ',
  ),
);

/** Names that people use for the three splits, in lower case. */
const SPLIT_FOLDERS: Readonly<Record<string, SplitName | undefined>> = {
  train: 'train',
  training: 'train',
  val: 'val',
  valid: 'val',
  validation: 'val',
  test: 'test',
  testing: 'test',
};

export type FileKind = 'image' | 'archive' | 'document' | 'unknown';

/** By name alone; 'unknown' may be an image without an extension. */
export function fileKind(path: string): FileKind {
  const extension = extensionOf(path);
  if (IMAGE.has(extension) || OTHER_IMAGE.has(extension)) return 'image';
  if (ARCHIVE.has(extension)) return 'archive';
  return DOCUMENT.has(extension) ? 'document' : 'unknown';
}

/** 'jpg' for 'a/b.JPG', '' where there is none. */
export function extensionOf(path: string): string {
  const name = baseName(path);
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? '' : name.slice(dot + 1).toLowerCase();
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The split that a folder's name means, or null. */
export function splitOfFolder(name: string): SplitName | null {
  return SPLIT_FOLDERS[name.toLowerCase()] ?? null;
}

/** What operating systems leave behind; it is nobody's data and is not worth a line. */
export function isRubbish(path: string): boolean {
  const name = baseName(path);
  return (
    name.startsWith('._') ||
    ['.ds_store', 'thumbs.db', 'desktop.ini'].includes(name.toLowerCase()) ||
    path.split('/').some((part) => part === '__MACOSX' || part === '.git')
  );
}

/**
 * Drops the folders that all files share ('flowers/train/rose/1.jpg' becomes 'train/rose/1.jpg'), but never a split's and
 * never one that would leave all images without a folder, as it would be their class (unless a CSV file gives it).
 */
export function stripCommonFolder(files: readonly SourceFile[]): SourceFile[] {
  let drop = 0;
  const paths = files.map(({ path }) => path.split('/'));
  const images = paths.filter((parts) => ['image', 'unknown'].includes(fileKind(parts[parts.length - 1])));
  const listed = files.some(({ path }) => extensionOf(path) === 'csv');
  while (paths.length > 0) {
    const shared = paths[0][drop];
    if (splitOfFolder(shared) !== null) break;
    if (!paths.every((parts) => parts.length > drop + 1 && parts[drop] === shared)) break;
    if (!listed && images.length > 0 && images.every((parts) => parts.length < drop + 3)) break;
    drop++;
  }
  if (drop === 0) return [...files];
  return files.map((file, i) => ({ ...file, path: paths[i].slice(drop).join('/') }));
}

/** Order by code units: the same everywhere, whatever the language. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `"a", "b", "c" and 4 more`. */
export function listNames(names: readonly string[], shown = 5): string {
  const quoted = names.slice(0, shown).map((name) => `"${name}"`);
  if (names.length > shown) return `${quoted.join(', ')} and ${names.length - shown} more`;
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} and ${quoted[quoted.length - 1]}`;
}

/** Larger than any image within the pixel limits is once encoded; a video renamed .jpg must not fill the memory. */
const MAX_IMAGE_BYTES = 500e6;

/** The whole content of what should be an image. Throws 'file-too-large' with the reason as its message. */
export async function readImageBytes(file: SourceFile): Promise<Uint8Array<ArrayBuffer>> {
  if (file.size <= MAX_IMAGE_BYTES) return readBytes(file);
  throw new TrainyardError(
    'file-too-large',
    `${formatBytes(file.size)} is over the limit of ${formatBytes(MAX_IMAGE_BYTES)} a file`,
    `Save ${file.path} smaller or leave it out.`,
  );
}

/** The whole content. */
export async function readBytes(file: SourceFile): Promise<Uint8Array<ArrayBuffer>> {
  if (file.bytes !== undefined) return file.bytes();
  return new Uint8Array(await (await file.blob()).arrayBuffer());
}
