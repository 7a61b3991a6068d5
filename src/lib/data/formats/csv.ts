// A CSV file (or one for each split) that names images and their labels.

import Papa from 'papaparse';
import { TrainyardError } from '$lib/core/errors';
import { formatCount } from '$lib/core/format';
import type { DataProblem, SplitName } from '$lib/storage/records';
import type { SourceFile } from '../contract';
import { baseName, extensionOf, fileKind, listNames, readBytes, readImageBytes, splitOfFolder } from '../files';
import type { Format, ImageEntry, Reading } from './format';

const FILE_COLUMNS = ['filename', 'file', 'file_name', 'filepath', 'path', 'image', 'image_path', 'img'];
const LABEL_COLUMNS = ['label', 'class', 'category', 'class_name', 'target'];
const SPLIT_COLUMNS = ['split', 'set', 'subset', 'partition'];
/** A million rows of 60 characters. */
const MAX_BYTES = 64e6;

export const csv: Format = {
  id: 'csv',
  title: 'CSV with file names and labels',
  async detect(files) {
    const table = await readTables(files);
    const find = finder(files);
    return table.some(({ folder, rows }) => rows.some(({ file }) => find(folder, file) !== null));
  },
  read,
};

interface Row {
  line: number;
  file: string;
  label: string;
  split: string;
}

interface Table {
  path: string;
  /** With '/' at its end, or ''. */
  folder: string;
  rows: Row[];
  /** Said by the file's name: 'train.csv'. */
  split: SplitName | null;
}

async function read(files: readonly SourceFile[]): Promise<Reading> {
  const tables = await readTables(files);
  const find = finder(files);
  const problems: DataProblem[] = [];
  const listed = new Map<SourceFile, { entry: ImageEntry; line: string }>();
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
      if (row.label === '') {
        skip(file.path, `${line} gives it no label`);
        continue;
      }
      const split = splitOfRow(row, table, line);
      const before = listed.get(file);
      if (before !== undefined) {
        if (before.entry.label !== row.label) {
          skip(
            file.path,
            `${line} says "${row.label}" after ${before.line} said "${before.entry.label}"; the first counts`,
          );
        }
        continue;
      }
      const load = async () => ({ bytes: await readImageBytes(file) });
      const entry: ImageEntry = {
        path: file.path,
        label: row.label,
        ...(split === null ? {} : { folderSplit: split }),
        load,
      };
      listed.set(file, { entry, line });
    }
  }
  for (const file of files) {
    if (listed.has(file) || tables.some(({ path }) => path === file.path)) continue;
    const image = ['image', 'unknown'].includes(fileKind(file.path));
    skip(
      file.path,
      image ? `${listNames(tables.map(({ path }) => baseName(path)))} does not list it` : 'it is not an image',
    );
  }
  return { entries: [...listed.values()].map(({ entry }) => entry), problems };
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

/** The tables whose header has a column for files and one for labels. Others are no labels and stay unread. */
async function readTables(files: readonly SourceFile[]): Promise<Table[]> {
  const tables: Table[] = [];
  for (const file of files) {
    if (!['csv', 'tsv'].includes(extensionOf(file.path)) || file.size > MAX_BYTES) continue;
    const text = new TextDecoder().decode(await readBytes(file));
    // One kind of line end, or the parser takes the first for all; no empty last line, which spoils its guess of the separator.
    const { data } = Papa.parse<string[]>(text.replace(/\r\n?/g, '\n').trimEnd());
    const header = (data[0] ?? []).map((name) => name.trim().toLowerCase());
    const fileColumn = column(header, FILE_COLUMNS);
    const labelColumn = column(header, LABEL_COLUMNS);
    if (fileColumn < 0 || labelColumn < 0) continue;
    const splitColumn = column(header, SPLIT_COLUMNS);
    const cell = (cells: string[], at: number) => (cells[at] ?? '').trim().normalize('NFC');
    const rows = data
      .map((cells, i) => ({
        line: i + 1,
        file: cell(cells, fileColumn),
        label: cell(cells, labelColumn),
        split: cell(cells, splitColumn),
      }))
      .filter(({ file, label }, i) => i > 0 && (file !== '' || label !== ''));
    const name = baseName(file.path);
    const folder = file.path.slice(0, file.path.length - name.length);
    tables.push({ path: file.path, folder, rows, split: splitOfName(name) });
  }
  return tables;
}

function column(header: readonly string[], names: readonly string[]): number {
  return header.findIndex((name) => names.includes(name.replaceAll(' ', '_')));
}

/** 'train.csv', 'labels_test.csv'. */
function splitOfName(name: string): SplitName | null {
  for (const word of name.toLowerCase().split(/[^a-z]+/)) {
    const split = splitOfFolder(word);
    if (split !== null) return split;
  }
  return null;
}

/**
 * Finds the file that a row means: beside the table, from the top, or, where the row gives a name alone or a path of another
 * machine, the only file of that name.
 */
function finder(files: readonly SourceFile[]): (folder: string, name: string) => SourceFile | null {
  const byPath = new Map(files.map((file) => [file.path.normalize('NFC'), file]));
  const byName = new Map<string, SourceFile | null>();
  for (const file of files) {
    const name = baseName(file.path).normalize('NFC');
    byName.set(name, byName.has(name) ? null : file);
  }
  return (folder, name) => {
    const path = name.replaceAll('\\', '/').replace(/^(\.\/)+/, '');
    return byPath.get(folder + path) ?? byPath.get(path) ?? byName.get(baseName(path)) ?? null;
  };
}
