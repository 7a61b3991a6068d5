// Files out of a drop, a picker or the clipboard, each with its path inside what was dropped. Reads names only, no contents.

export interface DroppedFile {
  /** '/' between parts, relative to the dropped folder. */
  path: string;
  file: File;
}

export interface Dropped {
  /** Of the folder or the only file; '' when there were several. */
  name: string;
  files: DroppedFile[];
}

/**
 * The files of a drop. Must be called in the event's own turn: the browser empties the transfer afterwards.
 * Entries that cannot be listed (permissions) reject with the browser's error.
 */
export async function filesOfDrop(transfer: DataTransfer): Promise<Dropped> {
  const entries = [...transfer.items].filter((item) => item.kind === 'file').map((item) => item.webkitGetAsEntry());
  const loose = [...transfer.files];
  const known = entries.filter((entry) => entry !== null);
  // Synthetic transfers (tests, some file managers) have files without entries.
  if (known.length === 0) return { name: loose.length === 1 ? loose[0].name : '', files: loose.map(bare) };
  const files: DroppedFile[] = [];
  for (const entry of known) await walk(entry, '', files);
  const [only] = known;
  if (known.length === 1 && only.isDirectory) {
    return {
      name: only.name,
      files: files.map(({ path, file }) => ({ path: path.slice(only.name.length + 1), file })),
    };
  }
  return { name: known.length === 1 ? only.name : '', files };
}

/** The files of an <input type=file>, with or without webkitdirectory. */
export function filesOfInput(list: FileList | readonly File[]): Dropped {
  const all = [...list];
  const inFolder = all.length > 0 && all.every((file) => file.webkitRelativePath !== '');
  if (!inFolder) return { name: all.length === 1 ? all[0].name : '', files: all.map(bare) };
  const root = all[0].webkitRelativePath.split('/')[0];
  return {
    name: root,
    files: all.map((file) => ({ path: file.webkitRelativePath.slice(root.length + 1), file })),
  };
}

/** True while files (not text, not a link) are dragged. */
export function carriesFiles(transfer: DataTransfer | null): transfer is DataTransfer {
  return transfer !== null && transfer.types.includes('Files');
}

function bare(file: File): DroppedFile {
  return { path: file.name, file };
}

async function walk(entry: FileSystemEntry, parent: string, files: DroppedFile[]): Promise<void> {
  const path = parent === '' ? entry.name : `${parent}/${entry.name}`;
  if (isFile(entry)) {
    files.push({ path, file: await new Promise<File>((resolve, reject) => entry.file(resolve, reject)) });
  } else if (isDirectory(entry)) {
    const reader = entry.createReader();
    // readEntries gives at most 100 at a time and an empty list at the end.
    for (;;) {
      const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (some.length === 0) break;
      await Promise.all(some.map((child) => walk(child, path, files)));
    }
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isDirectory(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}
