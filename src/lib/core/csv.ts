// Writes CSV as RFC 4180 says. Does not read it, and does not defuse spreadsheet formulas: a class named '=x' stays '=x'.

export type CsvValue = string | number | boolean | null;

/** One cell. Quoted where the text needs it; null is empty, which readers take for "missing". */
export function csvCell(value: CsvValue): string {
  if (value === null) return '';
  const text = String(value);
  // Spaces at the ends are part of a field by the RFC, but readers strip them unless quoted.
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One record, without its line end. */
export function csvRow(values: readonly CsvValue[]): string {
  // A record of one empty cell would be an empty line, which readers skip.
  return values.length === 1 && csvCell(values[0]) === '' ? '""' : values.map(csvCell).join(',');
}

/** A whole file: every record ends with CRLF, the last one too. */
export function csvText(rows: Iterable<readonly CsvValue[]>): string {
  let text = '';
  for (const row of rows) text += `${csvRow(row)}\r\n`;
  return text;
}
