// The projects as the home page and the switcher list them. Edits go through here; each is one write.
import type { Database } from '$lib/storage/database';
import { listDatasets, getVersionSummary } from '$lib/storage/datasets';
import { listEvaluations } from '$lib/storage/evaluations';
import { deleteProject, listProjects, renameProject } from '$lib/storage/projects';
import type { EvaluationRecord, ProjectRecord, RunRecord } from '$lib/storage/records';
import { listRuns, readEvents } from '$lib/storage/runs';
import type { VersionSummary } from '$lib/storage/schema';
import { mostTellingFirst } from './evaluations';
import { Live } from './live.svelte';

export interface ProjectCard {
  project: ProjectRecord;
  head: VersionSummary | null;
  runs: number;
  /** The newest run with a result, else the newest. */
  last: RunRecord | null;
  evaluation: EvaluationRecord | null;
  /** The deciding metric of `last` by epoch. */
  curve: readonly number[];
}

export class Projects {
  readonly list: Live<readonly ProjectRecord[]>;
  readonly #database: () => Promise<Database>;
  /** Curves of ended runs never change; 3,000 events need not be read again. */
  readonly #curves: Record<string, readonly number[] | undefined> = {};

  constructor(database: () => Promise<Database>) {
    this.#database = database;
    this.list = new Live(['projects'], async () => listProjects(await database()));
  }

  /** What the cards of the home page show. One read of everything small; no items, no weights. */
  cards(): Live<readonly ProjectCard[]> {
    return new Live(['projects', 'datasets', 'versions', 'runs', 'evaluations'], async () => {
      const database = await this.#database();
      const projects = await listProjects(database);
      return Promise.all(projects.map((project) => this.#card(database, project)));
    });
  }

  async rename(id: string, name: string): Promise<void> {
    await renameProject(await this.#database(), id, name);
  }

  async delete(id: string): Promise<void> {
    await deleteProject(await this.#database(), id);
  }

  async #card(database: Database, project: ProjectRecord): Promise<ProjectCard> {
    const [[dataset], runs] = await Promise.all([listDatasets(database, project.id), listRuns(database, project.id)]);
    const head = dataset ? await getVersionSummary(database, dataset.headVersionId) : null;
    const last = runs.find(({ best }) => best !== null) ?? runs.at(0) ?? null;
    const [evaluation = null] = last ? mostTellingFirst(await listEvaluations(database, last.id)) : [];
    const curve = last ? await this.#curve(database, last) : [];
    return { project, head, runs: runs.length, last, evaluation, curve };
  }

  async #curve(database: Database, run: RunRecord): Promise<readonly number[]> {
    const known = this.#curves[run.id];
    if (known) return known;
    const metric = run.best?.metric;
    if (metric === undefined) return [];
    const curve: number[] = [];
    for (const { event } of await readEvents(database, run.id)) {
      const value = event.type === 'epoch' ? event.metrics[metric] : undefined;
      if (value !== undefined) curve.push(value);
    }
    if (run.status !== 'running') this.#curves[run.id] = curve;
    return curve;
  }
}
