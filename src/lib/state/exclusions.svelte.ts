// Images that the person took out: gone from the screen at once, from the data in one new version a moment later.
import { serializeError, type ErrorData } from '$lib/core/errors';
import type { Project } from './project.svelte';

/** Pressing X ten times in a row makes one version, not ten. */
const COLLECT_MS = 700;

export class Exclusions {
  /** What must not be shown any more. */
  hidden = $state.raw<ReadonlySet<string>>(noPaths());
  /** The last that became a version, and the version before it. */
  done = $state.raw<{ paths: readonly string[]; before: string } | null>(null);
  failure = $state.raw<ErrorData | null>(null);
  readonly #project: Project;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(project: Project) {
    this.#project = project;
  }

  add(paths: readonly string[]): void {
    this.hidden = this.hidden.union(asSet(paths));
    clearTimeout(this.#timer);
    // One after the other: each version starts from the one before.
    this.#timer = setTimeout(() => (this.#writing = this.#writing.then(() => this.#flush())), COLLECT_MS);
  }

  async #flush(): Promise<void> {
    const paths = [...this.hidden];
    if (paths.length === 0) return;
    this.failure = null;
    try {
      const before = await this.#project.exclude(paths);
      this.done = { paths, before };
    } catch (error) {
      this.failure = serializeError(error);
    } finally {
      // In the new version they are gone; after a failure they are shown again.
      this.hidden = this.hidden.difference(asSet(paths));
    }
  }
}

/** Plain sets: they are replaced, never changed, so they need not be reactive themselves. */
function noPaths(): ReadonlySet<string> {
  return asSet([]);
}

function asSet(paths: readonly string[]): ReadonlySet<string> {
  return new Set(paths);
}
