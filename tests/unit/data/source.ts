// Files of an import, made from text and bytes.

import type { SourceFile } from '$lib/data/contract';
import { bytesOf } from './zip';

export function sourceFile(path: string, content: string | Uint8Array = 'x'): SourceFile {
  const blob = new Blob([bytesOf(content)]);
  return { path, size: blob.size, blob: () => Promise.resolve(blob) };
}

export function sourceFiles(...paths: readonly string[]): SourceFile[] {
  return paths.map((path) => sourceFile(path));
}

export function dropped(files: Readonly<Record<string, string | Uint8Array>>): { path: string; file: Blob }[] {
  return Object.entries(files).map(([path, content]) => ({ path, file: new Blob([bytesOf(content)]) }));
}
