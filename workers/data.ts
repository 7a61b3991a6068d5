// Data worker: import, and everything that makes a new version of a data set. Wiring only.

import { importDataset } from '$lib/data/import';
import { exclude, renameClasses, resplit, setHead } from '$lib/data/versions';
import { createPool } from '$lib/pipeline/pool';
import { createPreviewer } from '$lib/pipeline/preview';
import type { DataApi } from '$lib/rpc/protocol';
import { serve } from '$lib/rpc/serve';
import { createTasks } from '$lib/rpc/tasks';
import { getVersion } from '$lib/storage/datasets';
import { getProject } from '$lib/storage/projects';
import type { Annotation } from '$lib/storage/records';
import { TASKS } from '$lib/tasks/catalog';
import { createConnection } from './connection';
import { spawnDecodeWorker } from './spawn-decode';

const connect = createConnection();
const tasks = createTasks();
const previewer = createPreviewer({
  openPool: () => createPool({ spawn: spawnDecodeWorker }),
  itemsOf: async (versionId) => (await getVersion(await connect(), versionId)).items,
});

function taskOf(kind: Annotation['kind']): string {
  return (TASKS.find(({ annotations }) => annotations === kind) ?? TASKS[0]).id;
}

const api: DataApi = {
  import: (request, onEvent) =>
    tasks.run(request.taskId, async (signal) => {
      const database = await connect();
      const task = request.projectId === null ? TASKS[0].id : (await getProject(database, request.projectId)).task;
      const pool = createPool({ spawn: spawnDecodeWorker });
      const drawn = request.thumbnails === false ? { thumbnailSide: 0 } : {};
      try {
        return await importDataset(
          { ...request, task },
          { database, inspect: (files) => pool.inspect(files, drawn), taskOf, onEvent, signal },
        );
      } finally {
        pool.dispose();
      }
    }),

  resplit: async (versionId, split) => resplit(await connect(), versionId, split),
  renameClasses: async (versionId, names) => renameClasses(await connect(), versionId, names),
  exclude: async (versionId, paths) => exclude(await connect(), versionId, paths),
  setHead: async (datasetId, versionId) => setHead(await connect(), datasetId, versionId),
  preview: (request) => previewer.preview(request),
  cancel: (taskId) => tasks.cancel(taskId),
};

serve(api);
