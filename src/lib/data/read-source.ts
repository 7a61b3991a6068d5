// From what was dropped to a list of labelled images, in the right format. Reads no pixels.

import type { DataProblem } from '$lib/storage/records';
import type { ImportSource } from './contract';
import { detectFormat } from './formats';
import type { ImageEntry } from './formats/format';
import { sampleEntries } from './sample';
import { listFiles } from './sources';

export interface SourceReading {
  /** For "Imported flowers.zip". */
  name: string;
  entries: readonly ImageEntry[];
  /** Images may have several classes or none. */
  several?: boolean;
  /** In their order, where the format has one. */
  classes?: readonly string[];
  problems: readonly DataProblem[];
}

/** Throws a TrainyardError that names the file and the remedy. */
export async function readSource(source: ImportSource): Promise<SourceReading> {
  if (source.kind === 'sample') {
    return { name: 'generated shapes', ...sampleEntries(source), problems: [] };
  }
  const { files, problems } = await listFiles(source.files);
  const format = await detectFormat(files);
  const reading = await format.read(files);
  return { name: source.name, ...reading, problems: [...problems, ...reading.problems] };
}
