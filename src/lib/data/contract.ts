// Between the importers and the rest: where files come from and what an import tells.

import type { DataProblem } from '$lib/storage/records';

/** A file that has not been read. `path` uses '/'; `blob` may be called once or more and reads lazily. */
export interface SourceFile {
  path: string;
  size: number;
  blob(): Promise<Blob>;
  /** The content without the detour over a Blob, where the bytes are at hand (entries of an archive). */
  bytes?(): Promise<Uint8Array<ArrayBuffer>>;
}

/** Crosses to the data worker by structured clone. Files are File objects with the path inside the dropped folder. */
export type ImportSource =
  | { kind: 'files'; name: string; files: readonly { path: string; file: File }[] }
  /** The generated shapes; see data/sample.ts. */
  | { kind: 'sample'; seed: number; images: number; size: number };

export type ImportEvent =
  | { type: 'phase'; phase: 'listing' | 'reading' | 'checking' | 'saving' }
  | { type: 'progress'; done: number; total: number; perSecond: number; secondsLeft: number; unreadable: number }
  | { type: 'problem'; problem: DataProblem };

export interface ImportSummary {
  projectId: string;
  datasetId: string;
  versionId: string;
  /** Id of the project's task from now on. */
  task: string;
  /** What the person should know about how the data were understood, a sentence each. */
  notices: readonly string[];
  classes: readonly { name: string; count: number }[];
  images: number;
  problems: readonly DataProblem[];
  seconds: number;
}
