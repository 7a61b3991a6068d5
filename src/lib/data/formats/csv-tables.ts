// Reads the CSV files among the files of an import: which of them name images and classes, and their rows.

import Papa from 'papaparse';
import type { SplitName } from '$lib/storage/records';
import type { SourceFile } from '../contract';
import { baseName, extensionOf, readBytes, splitOfFolder } from '../files';
import { labelReader } from './csv-labels';

const FILE_COLUMNS = [
  'filename',
  'file',
  'file_name',
  'filepath',
  'path',
  'image',
  'image_path',
  'image_name',
  'image_id',
  'image_index',
  'img',
];
const SPLIT_COLUMNS = ['split', 'set', 'subset', 'partition'];
/** A million rows of 60 characters. */
const MAX_BYTES = 64e6;

export interface Row {
  line: number;
  file: string;
  labels: readonly string[];
  split: string;
}

export interface Table {
  path: string;
  /** With '/' at its end, or ''. */
  folder: string;
  rows: Row[];
  /** Said by the file's name: 'train.csv'. */
  split: SplitName | null;
  /** Whether an empty row means an image without classes. */
  emptyIsNone: boolean;
  /** In their order, where the table has one. */
  classes?: readonly string[];
}

/** The tables that have a column for files and say classes. Others are no labels and stay unread. */
export async function readTables(files: readonly SourceFile[]): Promise<Table[]> {
  const tables: Table[] = [];
  for (const file of files) {
    if (!['csv', 'tsv'].includes(extensionOf(file.path)) || file.size > MAX_BYTES) continue;
    const table = readTable(file.path, new TextDecoder().decode(await readBytes(file)));
    if (table !== null) tables.push(table);
  }
  return tables;
}

function readTable(path: string, text: string): Table | null {
  // One kind of line end, or the parser takes the first for all; no empty last line, which spoils its guess of the separator.
  const { data } = Papa.parse<string[]>(text.replace(/\r\n?/g, '\n').trimEnd());
  const [names = [], ...body] = data;
  const header = names.map((name) => name.trim().toLowerCase().replaceAll(' ', '_'));
  const column = (known: readonly string[]) => header.findIndex((name) => known.includes(name));
  const fileColumn = column(FILE_COLUMNS);
  if (fileColumn < 0) return null;
  const splitColumn = column(SPLIT_COLUMNS);
  const filled = body.map((cells, i) => ({ cells, line: i + 2 })).filter(({ cells }) => cells.some((cell) => cell.trim() !== '')); // prettier-ignore
  const reader = labelReader(
    header,
    names,
    filled.map(({ cells }) => cells),
    new Set([fileColumn, splitColumn]),
  );
  if (reader === null) return null;
  const { read, emptyIsNone, classes } = reader;
  const cell = (cells: readonly string[], at: number) => (cells[at] ?? '').trim().normalize('NFC');
  const rows = filled
    .map(({ cells, line }): Row => {
      return { line, file: cell(cells, fileColumn), labels: read(cells), split: cell(cells, splitColumn) };
    })
    .filter(({ file, labels }) => file !== '' || labels.length > 0);
  const name = baseName(path);
  const folder = path.slice(0, path.length - name.length);
  return { path, folder, rows, split: splitOfName(name), emptyIsNone, ...(classes === undefined ? {} : { classes }) };
}

/** 'train.csv', 'labels_test.csv'. */
function splitOfName(name: string): SplitName | null {
  for (const word of name.toLowerCase().split(/[^a-z]+/)) {
    const split = splitOfFolder(word);
    if (split !== null) return split;
  }
  return null;
}
