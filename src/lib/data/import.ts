// Brings images into the database: lists, reads, hashes, proves that each decodes, keeps. All or nothing.
// Where decoding runs (a pool of workers, a test) is not known here.

import { countClasses, rising } from '$lib/core/annotations';
import { TrainyardError } from '$lib/core/errors';
import { deleteOrphanBlobs, IMPORT_LOCK, putBlobs } from '$lib/storage/blobs';
import { addVersion, getDataset, listDatasets, listVersions } from '$lib/storage/datasets';
import { getProject, newProject } from '$lib/storage/projects';
import type {
  Annotation,
  BlobRecord,
  DataProblem,
  DatasetRecord,
  DatasetVersionRecord,
  Item,
  ProjectRecord,
  SplitSettings,
  ThumbnailRecord,
} from '$lib/storage/records';
import type { Database } from '$lib/storage/schema';
import type { ImportEvent, ImportSource, ImportSummary } from './contract';
import { compareText } from './files';
import type { Inspect } from '$lib/pipeline/inspection';
import type { ImageEntry } from './formats/format';
import type { ChannelMoments } from './moments';
import { readImages, type ReadImage } from './read-images';
import { readSource } from './read-source';
import { checkClasses, checkReadable } from './refusals';
import { makeSplit } from './split';
import { computeStatistics, findProblems, packMoments } from './statistics';

const SEVERAL =
  'Some images have several classes or none, so the model learns a yes or no for each class (multi-label classification).';

export interface ImportRequest {
  /** Null makes a project. */
  projectId: string | null;
  projectName: string;
  /** Id of the task of a new project, where the data do not ask for another. */
  task: string;
  source: ImportSource;
  split: SplitSettings;
}

export interface ImportTools {
  database: Database;
  /** The decode pool's, or inline in tests. */
  inspect: Inspect;
  /** The task for annotations of a kind; that of the request where absent. */
  taskOf?: (kind: Annotation['kind']) => string;
  onEvent?: (event: ImportEvent) => void;
  signal?: AbortSignal;
}

/**
 * Imports and makes the result the head of the project's data set: its first version or the next one. Throws 'cancelled' when
 * aborted; then, and after any other error, nothing of it is kept and what was stored before is as it was.
 */
export async function importDataset(request: ImportRequest, tools: ImportTools): Promise<ImportSummary> {
  const { signal } = tools;
  try {
    return await withLock(signal, () => importLocked(request, tools));
  } catch (error) {
    if (signal?.aborted !== true) throw error;
    throw new TrainyardError('cancelled', 'The import was cancelled; nothing of it was kept.', '', { cause: error });
  }
}

async function withLock<Result>(signal: AbortSignal | undefined, work: () => Promise<Result>): Promise<Result> {
  return navigator.locks.request(IMPORT_LOCK, { signal }, work);
}

async function importLocked(request: ImportRequest, tools: ImportTools): Promise<ImportSummary> {
  const { database, signal, onEvent = () => undefined } = tools;
  const started = performance.now();
  const target = await findTarget(database, request);
  // Left by a tab that was closed in the middle of an import.
  await deleteOrphanBlobs(database);
  const added: string[] = [];
  const keep = async (blobs: readonly BlobRecord[], thumbnails: readonly ThumbnailRecord[]) => {
    added.push(...(await putBlobs(database, blobs, thumbnails)));
  };
  try {
    onEvent({ type: 'phase', phase: 'listing' });
    const { entries, several = false, classes, problems, name } = await readSource(request.source);
    const report = (problem: DataProblem) => onEvent({ type: 'problem', problem });
    problems.forEach(report);
    signal?.throwIfAborted();
    checkClasses(entries, several);
    onEvent({ type: 'phase', phase: 'checking' });
    const read = await readImages(entries, { inspect: tools.inspect, keep, onEvent, signal });
    checkReadable(read.images, read.unreadable, entries, several);
    signal?.throwIfAborted();
    onEvent({ type: 'phase', phase: 'saving' });
    // One class an image is a case of several: a project that has them keeps its task.
    const task = several ? (tools.taskOf?.('classes') ?? target.project.task) : target.project.task;
    const content = { ...read, entries, several, classes, name };
    const { version, channels } = makeVersion(request, target, content, task, problems);
    await addVersion(database, version, channels, target.created);
    const notices = several ? [SEVERAL] : [];
    return { ...summarise(version, (performance.now() - started) / 1000), task, notices };
  } catch (error) {
    // Should this fail too (a lost connection), the next import does it.
    await deleteOrphanBlobs(database, added).catch(() => undefined);
    throw error;
  }
}

interface Target {
  project: ProjectRecord;
  dataset: DatasetRecord;
  /** Of the new version. */
  number: number;
  parentId: string | null;
  created: { project?: ProjectRecord; dataset?: DatasetRecord };
}

async function findTarget(database: Database, request: ImportRequest): Promise<Target> {
  const { projectId, projectName, task, source } = request;
  const project =
    projectId === null
      ? newProject({ name: projectName, task, sample: source.kind === 'sample' })
      : await getProject(database, projectId);
  const existing = projectId === null ? undefined : (await listDatasets(database, projectId))[0];
  if (existing !== undefined) {
    const [newest] = await listVersions(database, existing.id);
    const { headVersionId } = await getDataset(database, existing.id);
    return { project, dataset: existing, number: newest.number + 1, parentId: headVersionId, created: {} };
  }
  const name = source.kind === 'sample' ? 'Sample shapes' : source.name;
  const dataset: DatasetRecord = {
    id: crypto.randomUUID(),
    projectId: project.id,
    name,
    createdAt: Date.now(),
    headVersionId: '',
  };
  const created = projectId === null ? { project, dataset } : { dataset };
  return { project, dataset, number: 1, parentId: null, created };
}

interface Content {
  images: readonly (ReadImage | null)[];
  unreadable: readonly DataProblem[];
  entries: readonly ImageEntry[];
  several: boolean;
  classes?: readonly string[];
  name: string;
}

function makeVersion(
  request: ImportRequest,
  target: Target,
  content: Content,
  task: string,
  problems: readonly DataProblem[],
): { version: DatasetVersionRecord; channels: Float32Array<ArrayBuffer> } {
  const readable = content.entries
    .map((entry, i) => ({ entry, image: content.images[i] }))
    .filter((pair): pair is { entry: ImageEntry; image: ReadImage } => pair.image !== null)
    // The same data set is the same version, whether it came as a folder or as a zip.
    .sort((a, b) => compareText(a.entry.path, b.entry.path));
  const names = content.classes ?? [...new Set(readable.flatMap(({ entry }) => entry.labels))].sort(compareText);
  const indices = new Map(names.map((name, i) => [name, i]));
  const indicesOf = ({ labels }: ImageEntry) => labels.map((label) => indices.get(label) ?? 0);
  const moments: ChannelMoments[] = [];
  const unsplit = readable.map(({ entry, image }): Omit<Item, 'split'> => {
    moments.push(image.moments);
    return {
      path: entry.path,
      blob: image.hash,
      width: image.width,
      height: image.height,
      bytes: image.bytes,
      annotation: content.several
        ? { kind: 'classes', classes: rising(indicesOf(entry)) }
        : { kind: 'class', class: indicesOf(entry)[0] },
      ...(entry.folderSplit === undefined ? {} : { folderSplit: entry.folderSplit }),
    };
  });
  const { splits, settings } = makeSplit(unsplit, request.split);
  const items = unsplit.map((item, i): Item => ({ ...item, split: splits[i] }));
  const classes = names.map((name) => ({ name }));
  const channels = packMoments(moments);
  const version: DatasetVersionRecord = {
    id: crypto.randomUUID(),
    datasetId: target.dataset.id,
    projectId: target.project.id,
    task,
    number: target.number,
    createdAt: Date.now(),
    parentId: target.parentId,
    change: `Imported ${content.name}`,
    classes,
    items,
    split: settings,
    statistics: computeStatistics(items, channels),
    problems: [...problems, ...content.unreadable, ...findProblems({ items, classes })],
  };
  return { version, channels };
}

function summarise(version: DatasetVersionRecord, seconds: number): Omit<ImportSummary, 'task' | 'notices'> {
  const counts = countClasses(
    version.items.map(({ annotation }) => annotation),
    version.classes.length,
  );
  return {
    projectId: version.projectId,
    datasetId: version.datasetId,
    versionId: version.id,
    classes: version.classes.map(({ name }, i) => ({ name, count: counts[i] })),
    images: version.items.length,
    problems: version.problems,
    seconds,
  };
}
