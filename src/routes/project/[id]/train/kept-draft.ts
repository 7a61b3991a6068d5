// The half-made job of a project, kept for the tab: going to the data and back, or a reload, must not lose it.
import type { DraftRecord } from '$lib/state/job-draft.svelte';

const key = (projectId: string) => `trainyard:draft:${projectId}`;

/** Null where nothing was kept or it cannot be read. */
export function readDraft(projectId: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(key(projectId)) ?? 'null');
  } catch {
    return null;
  }
}

export function keepDraft(projectId: string, draft: DraftRecord): void {
  try {
    sessionStorage.setItem(key(projectId), JSON.stringify(draft));
  } catch {
    // The draft lasts as long as the page then; there is nothing to tell.
  }
}
