// The open project: its data set at the head version, the versions before it, its runs and their evaluations. Kept fresh.
import { createContext } from 'svelte';
import type { Database } from '$lib/storage/database';
import { getVersion, listDatasets, listVersions, setHead } from '$lib/storage/datasets';
import { listEvaluations } from '$lib/storage/evaluations';
import { getProject } from '$lib/storage/projects';
import type {
  DatasetRecord,
  DatasetVersionRecord,
  EvaluationRecord,
  ProjectRecord,
  RunRecord,
  SplitSettings,
} from '$lib/storage/records';
import { listRuns } from '$lib/storage/runs';
import type { VersionSummary } from '$lib/storage/schema';
import type { DataApi } from '$lib/rpc/protocol';
import { mostTellingFirst } from './evaluations';
import { Live } from './live.svelte';

export interface ProjectData {
  dataset: DatasetRecord;
  /** The head, with its items. Immutable: the same object until the head is another. */
  version: DatasetVersionRecord;
  /** Newest first, the head among them. */
  versions: readonly VersionSummary[];
}

export class Project {
  readonly id: string;
  readonly record: Live<ProjectRecord>;
  /** Null while the project has no data. */
  readonly data: Live<ProjectData | null>;
  /** Newest first. */
  readonly runs: Live<readonly RunRecord[]>;
  /** By the run's id, the most telling first; see evaluations.ts. */
  readonly evaluations: Live<Readonly<Record<string, readonly EvaluationRecord[]>>>;
  readonly #database: () => Promise<Database>;
  readonly #api: DataApi;

  constructor(database: () => Promise<Database>, api: DataApi, id: string) {
    this.id = id;
    this.#database = database;
    this.#api = api;
    this.record = new Live(['projects'], async () => getProject(await database(), id));
    this.data = new Live(['datasets', 'versions'], () => this.#readData());
    this.runs = new Live(['runs'], async () => listRuns(await database(), id));
    this.evaluations = new Live(['runs', 'evaluations'], async () => {
      const opened = await database();
      const runs = await listRuns(opened, id);
      return Object.fromEntries(
        await Promise.all(
          runs.map(async (run) => [run.id, mostTellingFirst(await listEvaluations(opened, run.id))] as const),
        ),
      );
    });
  }

  start(): () => void {
    const stops = [this.record.start(), this.data.start(), this.runs.start(), this.evaluations.start()];
    return () => stops.forEach((stop) => stop());
  }

  /** Each edit makes a new version and returns the id of the one before, which `restore` brings back. */
  async exclude(paths: readonly string[]): Promise<string> {
    return this.#edit((versionId) => this.#api.exclude(versionId, paths));
  }

  async renameClasses(names: readonly string[]): Promise<string> {
    return this.#edit((versionId) => this.#api.renameClasses(versionId, names));
  }

  async resplit(split: SplitSettings): Promise<string> {
    return this.#edit((versionId) => this.#api.resplit(versionId, split));
  }

  /** Makes an earlier version the head again: undo. */
  async restore(versionId: string): Promise<void> {
    const dataset = this.data.value?.dataset;
    if (!dataset) return;
    await setHead(await this.#database(), dataset.id, versionId);
    await this.data.refresh();
  }

  async #edit(change: (versionId: string) => Promise<DatasetVersionRecord>): Promise<string> {
    const before = this.data.value?.version.id;
    if (before === undefined) throw new Error('There is no data set to edit.');
    await change(before);
    await this.data.refresh();
    return before;
  }

  async #readData(): Promise<ProjectData | null> {
    const database = await this.#database();
    const [dataset] = await listDatasets(database, this.id);
    if (!dataset) return null;
    const known = this.data.value?.version;
    const [version, versions] = await Promise.all([
      known?.id === dataset.headVersionId ? known : getVersion(database, dataset.headVersionId),
      listVersions(database, dataset.id),
    ]);
    return { dataset, version, versions };
  }
}

/** The project whose screens are shown; set by routes/project/[id]/+layout.svelte. */
export const [getProjectState, setProjectState] = createContext<Project>();
