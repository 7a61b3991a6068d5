// What every screen does with files that are to be imported: start, and say where to go when it is done.
import { projectNameOf } from '$lib/state/naming';
import type { App } from '$lib/state/app.svelte';
import type { Import } from '$lib/state/imports.svelte';
import type { Dropped } from '$lib/ui/drop';
import { toasts } from '$lib/ui/toasts.svelte';

/** `into` null makes a project named `name`, or after what was dropped. The import is followed in app.imports. */
export function importFiles(app: App, dropped: Dropped, into: string | null, name = ''): Promise<Import> {
  const projectName = name || projectNameOf(dropped.name);
  const source = { kind: 'files', name: dropped.name || projectName, files: dropped.files } as const;
  return app.imports.start({ projectId: into, projectName, source }).ended.then((ended) => {
    // What was understood from the files, and could have been meant otherwise.
    for (const text of ended.summary?.notices ?? []) toasts.show({ text });
    return ended;
  });
}

/** True while the home page is shown. */
export function atHome(): boolean {
  return ['', '#', '#/'].includes(location.hash);
}
