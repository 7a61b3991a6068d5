// A CSV file (or one for each split) that names images and their classes: one for each image, or any number.

import { TrainyardError } from '$lib/core/errors';
import { formatCount } from '$lib/core/format';
import type { DataProblem, SplitName } from '$lib/storage/records';
import type { SourceFile } from '../contract';
import { baseName, fileKind, listNames, readImageBytes, splitOfFolder } from '../files';
import { readTables, type Row, type Table } from './csv-tables';
import type { Format, ImageEntry, Reading } from './format';

export const csv: Format = {
  id: 'csv',
  title: 'CSV with file names and labels',
  async detect(files) {
    const tables = await readTables(files);
    const find = finder(files);
    return tables.some(({ folder, rows }) => rows.some(({ file }) => find(folder, file) !== null));
  },
  read,
};

/** All that the rows say about a file. */
interface Listed {
  labels: Set<string>;
  split: SplitName | null;
  /** Of its first row. */
  line: string;
  emptyIsNone: boolean;
}

async function read(files: readonly SourceFile[]): Promise<Reading> {
  const tables = await readTables(files);
  const find = finder(files);
  const problems: DataProblem[] = [];
  const listed = new Map<SourceFile, Listed>();
  const skip = (path: string, reason: string) => problems.push({ kind: 'skipped', path, reason });
  for (const table of tables) {
    for (const row of table.rows) {
      const line = `line ${formatCount(row.line)} of ${baseName(table.path)}`;
      const file = row.file === '' ? null : find(table.folder, row.file);
      if (file === null) {
        skip(
          row.file === '' ? table.path : row.file,
          row.file === '' ? `${line} names no file` : `${line} names it, but it is not there`,
        );
        continue;
      }
      const split = splitOfRow(row, table, line);
      const before = listed.get(file);
      if (before === undefined) {
        listed.set(file, { labels: new Set(row.labels), split, line, emptyIsNone: table.emptyIsNone });
      } else {
        row.labels.forEach((label) => before.labels.add(label));
      }
    }
  }
  // A single column with one name for each image is classification; there an empty cell was forgotten.
  const all = [...listed.values()];
  const several = all.some(({ labels, emptyIsNone }) => labels.size > 1 || (labels.size === 0 && emptyIsNone));
  const entries: ImageEntry[] = [];
  for (const [file, { labels, split, line }] of listed) {
    if (labels.size === 0 && !several) {
      skip(file.path, `${line} gives it no label`);
      continue;
    }
    entries.push({
      path: file.path,
      labels: [...labels],
      ...(split === null ? {} : { folderSplit: split }),
      load: async () => ({ bytes: await readImageBytes(file) }),
    });
  }
  for (const file of files) {
    if (listed.has(file) || tables.some(({ path }) => path === file.path)) continue;
    const image = ['image', 'unknown'].includes(fileKind(file.path));
    skip(
      file.path,
      image ? `${listNames(tables.map(({ path }) => baseName(path)))} does not list it` : 'it is not an image',
    );
  }
  return { entries, several, ...classOrder(tables, entries, skip), problems };
}

/** The order of the columns, where each table has a column for each class. A class that no image has is none. */
function classOrder(
  tables: readonly Table[],
  entries: readonly ImageEntry[],
  skip: (path: string, reason: string) => void,
): { classes?: readonly string[] } {
  if (tables.some(({ classes }) => classes === undefined)) return {};
  const used = new Set(entries.flatMap(({ labels }) => labels));
  for (const { path, classes = [] } of tables) {
    const unused = classes.filter((name) => !used.has(name));
    if (unused.length > 0) skip(path, `no image has the class of its ${listNames(unused)} column`);
  }
  const order = new Set(tables.flatMap(({ classes = [] }) => classes));
  return { classes: [...order].filter((name) => used.has(name)) };
}

function splitOfRow(row: Row, table: Table, line: string): SplitName | null {
  if (row.split === '') return table.split;
  const split = splitOfFolder(row.split);
  if (split !== null) return split;
  throw new TrainyardError(
    'csv-split',
    `${line} names the split "${row.split}", which is not known.`,
    'Use train, val or test, or remove the column.',
  );
}

/**
 * Finds the file that a row means: beside the table, from the top, or, where the row gives a name alone or a path of another
 * machine, the only file of that name, with or without its extension.
 */
function finder(files: readonly SourceFile[]): (folder: string, name: string) => SourceFile | null {
  const byPath = new Map(files.map((file) => [file.path.normalize('NFC'), file]));
  const byName = new Map<string, SourceFile | null>();
  const byStem = new Map<string, SourceFile | null>();
  for (const file of files) {
    const name = baseName(file.path).normalize('NFC');
    byName.set(name, byName.has(name) ? null : file);
    if (!['image', 'unknown'].includes(fileKind(file.path))) continue;
    const stem = name.replace(/\.[^.]+$/, '');
    byStem.set(stem, byStem.has(stem) ? null : file);
  }
  return (folder, name) => {
    const path = name.replaceAll('\\', '/').replace(/^(\.\/)+/, '');
    const exact = byPath.get(folder + path) ?? byPath.get(path);
    if (exact !== undefined) return exact;
    const last = baseName(path);
    return (byName.has(last) ? byName.get(last) : byStem.get(last)) ?? null;
  };
}
