// How much the browser keeps for us, and what takes it. Deletes only what the person asked to delete.
import { formatPlural } from '$lib/core/format';
import { onChange } from '$lib/storage/changes';
import type { Database } from '$lib/storage/database';
import { listFeatureCaches, removeFeatureCache } from '$lib/storage/features';
import { orphans, removeOrphans, type Orphans } from '$lib/storage/orphans';
import { deleteProject } from '$lib/storage/projects';
import { persist } from '$lib/storage/persist';
import { spaceByProject, usage, type ProjectSpace, type StorageUsage } from '$lib/storage/quota';
import { listWeights, removeWeights } from '$lib/storage/weights';

/** estimate() walks the origin's files in some browsers. */
const REFRESH_EVERY_MS = 3_000;

/** Kept beside the projects: it can be had again, or belongs to nothing, so it is the first to go. */
export interface StoredExtra {
  kind: 'weights' | 'features' | 'leftovers';
  id: string;
  name: string;
  bytes: number;
}

export class Disk {
  usage = $state.raw<StorageUsage | null>(null);
  readonly #database: () => Promise<Database>;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(database: () => Promise<Database>) {
    this.#database = database;
  }

  /** Keeps `usage` fresh until the returned function is called. */
  start(): () => void {
    void this.refresh();
    const stop = onChange(['projects', 'versions', 'checkpoints', 'imageResults', 'weights', 'featureCaches'], () => {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        void this.refresh();
      }, REFRESH_EVERY_MS);
    });
    return () => {
      stop();
      clearTimeout(this.#timer);
    };
  }

  async refresh(): Promise<void> {
    try {
      this.usage = await usage();
    } catch {
      // Some private windows refuse to say; the chip is then left out.
      this.usage = null;
    }
  }

  /** Asks the browser to keep our data under disk pressure; true when it promised to. */
  async persist(): Promise<boolean> {
    const granted = await persist();
    await this.refresh();
    return granted;
  }

  async byProject(): Promise<ProjectSpace[]> {
    return spaceByProject(await this.#database());
  }

  /** Downloaded weights, computed features and what closed tabs left behind, largest first. */
  async extras(): Promise<StoredExtra[]> {
    const database = await this.#database();
    const [weights, caches, stray] = await Promise.all([
      listWeights(database),
      listFeatureCaches(database),
      orphans(database),
    ]);
    const leftovers = leftoversOf(stray);
    return [
      ...(leftovers === null ? [] : [leftovers]),
      ...weights.map(({ id, name, bytes }) => ({ kind: 'weights' as const, id, name, bytes })),
      ...caches.map(({ key, title, bytes }) => ({ kind: 'features' as const, id: key, name: title, bytes })),
    ].sort((a, b) => b.bytes - a.bytes);
  }

  async removeExtra({ kind, id }: StoredExtra): Promise<void> {
    const database = await this.#database();
    if (kind === 'leftovers') await removeOrphans(database);
    else await (kind === 'weights' ? removeWeights(database, id) : removeFeatureCache(database, id));
    await this.refresh();
  }

  async deleteProject(id: string): Promise<void> {
    await deleteProject(await this.#database(), id);
    await this.refresh();
  }
}

/** Null where everything belongs to something. */
export function leftoversOf(stray: Orphans): StoredExtra | null {
  const { bytes, blobs, states, checkpoints, thumbnails, items, events, evaluations, imageResults } = stray;
  const rows = thumbnails + items + events + evaluations + imageResults + checkpoints;
  const parts = [
    ...(blobs > 0 ? [formatPlural(blobs, 'image')] : []),
    ...(states > 0 ? [`the weights of ${formatPlural(states, 'checkpoint')}`] : []),
    ...(blobs + states === 0 && rows > 0 ? [formatPlural(rows, 'record')] : []),
  ];
  if (parts.length === 0) return null;
  return { kind: 'leftovers', id: 'leftovers', name: `Left behind by a closed tab: ${parts.join(', ')}`, bytes };
}
