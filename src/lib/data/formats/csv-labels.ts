// What the rows of a CSV say about classes: one name, a list of names, or a 0/1 column for each class. Knows no files.

/** A column of one name a row; '|' makes it a list. */
const ONE = ['label', 'class', 'category', 'class_name', 'target'];
/** A column of lists. */
const LIST = ['labels', 'tags', 'classes', 'categories', 'attributes', 'finding_labels'];
/** From the surest to the least sure. Spaces come last, and only where they cannot be part of a name; see `separatorOf`. */
const SEPARATORS = ['|', ';', ','];

export interface LabelReader {
  /** Whether an empty row means an image without classes. In a column of single names it is an omission. */
  emptyIsNone: boolean;
  /** Names in a row, without repetition. */
  read(cells: readonly string[]): readonly string[];
  /** In their order, where there is a column for each. */
  classes?: readonly string[];
}

/**
 * How a table says classes; null where it does not. `header` is normalised ('finding_labels'), `names` are the headers as written,
 * `taken` the columns that mean something else (the file, the split).
 */
export function labelReader(
  header: readonly string[],
  names: readonly string[],
  rows: readonly (readonly string[])[],
  taken: ReadonlySet<number>,
): LabelReader | null {
  const one = header.findIndex((name) => ONE.includes(name));
  if (one >= 0) return { emptyIsNone: false, read: (cells) => split(cells[one] ?? '', '|') };
  const list = header.findIndex((name) => LIST.includes(name));
  if (list >= 0) {
    const separator = separatorOf(rows.map((cells) => cells[list] ?? ''));
    return { emptyIsNone: true, read: (cells) => split(cells[list] ?? '', separator) };
  }
  return indicators(names, rows, taken);
}

function split(cell: string, separator: string | RegExp): string[] {
  const names = cell.replace(/^\[(.*)\]$/, '$1').split(separator);
  return [...new Set(names.map(cleanName).filter((name) => name !== ''))];
}

/** Python writes lists as ['a', 'b']. macOS writes accents as separate characters; 'é' must not become two classes. */
function cleanName(name: string): string {
  return name
    .trim()
    .replace(/^(['"])(.*)\1$/, '$2')
    .normalize('NFC');
}

/**
 * The one that occurs. Where none does, spaces, unless taking them for separators makes more names than there are different rows:
 * then they are part of names ('golden retriever').
 */
function separatorOf(cells: readonly string[]): string | RegExp {
  const found = SEPARATORS.find((separator) => cells.some((cell) => cell.includes(separator)));
  if (found !== undefined) return found;
  const different = new Set(cells.map((cell) => cell.trim()).filter((cell) => cell !== ''));
  const words = new Set([...different].flatMap((cell) => cell.split(/\s+/)));
  return words.size <= different.size ? /\s+/ : '|';
}

const YES = ['1', '1.0', 'true', 'yes'];
const NO = ['', '0', '0.0', 'false', 'no', '-1', '-1.0'];

/** Two or more columns that hold nothing but yes and no are classes; the others (an age, a person) are not. */
function indicators(
  names: readonly string[],
  rows: readonly (readonly string[])[],
  taken: ReadonlySet<number>,
): LabelReader | null {
  const said = (cells: readonly string[], column: number) => (cells[column] ?? '').trim().toLowerCase();
  const columns = names.flatMap((name, column) => {
    if (taken.has(column) || cleanName(name) === '') return [];
    const fits = rows.every((cells) => YES.includes(said(cells, column)) || NO.includes(said(cells, column)));
    return fits && rows.some((cells) => said(cells, column) !== '') ? [column] : [];
  });
  if (columns.length < 2) return null;
  return {
    emptyIsNone: true,
    read: (cells) =>
      columns.filter((column) => YES.includes(said(cells, column))).map((column) => cleanName(names[column])),
    classes: columns.map((column) => cleanName(names[column])),
  };
}
