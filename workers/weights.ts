// Weights worker: files from this computer, addresses and the hub become stored weights. Wiring only.

import { createHubService } from '$lib/hub/service';
import { initializeParameters } from '$lib/graph/initialize';
import { describeWeights } from '$lib/interchange/weights/describe';
import { loadWeights } from '$lib/interchange/weights/load';
import { openWeights } from '$lib/interchange/weights/open';
import { buildModel } from '$lib/models/build';
import { MODELS } from '$lib/models/registry';
import { getWeightsMapping } from '$lib/models/weights';
import type { WeightsApi } from '$lib/rpc/protocol';
import { hubOfWorker } from '$lib/rpc/hub-name';
import { serve } from '$lib/rpc/serve';
import { createTasks } from '$lib/rpc/tasks';
import { getWeights, weightsFiles } from '$lib/storage/weights';
import { createConnection } from './connection';

const connect = createConnection();
const tasks = createTasks();
const service = createHubService({
  hub: hubOfWorker(self.name),
  database: connect,
  published: MODELS.flatMap(({ meta }) => meta.pretrained),
  describe: async (files, name) => describeWeights(await openWeights(files, name)),
});

const api: WeightsApi = {
  importFiles: ({ taskId, name, source, files }, onEvent) =>
    tasks.run(taskId, (signal) => {
      const given = files.map(({ path, file }) => ({ path, blob: file }));
      return service.importFiles({ name, source, files: given }, onEvent, signal);
    }),

  offer: (request) => service.offer(request),
  download: ({ taskId, ...request }, onEvent) =>
    tasks.run(taskId, (signal) => service.download(request, onEvent, signal)),

  async describe(weightsId) {
    const database = await connect();
    const record = await getWeights(database, weightsId);
    const { tensors } = await openWeights(await weightsFiles(database, weightsId), record.name);
    return { record, tensors: tensors.map(({ name, shape, dtype }) => ({ name, shape, dtype })) };
  },

  async report({ weightsId, model, config, imageSize, classes }) {
    const database = await connect();
    const { name } = await getWeights(database, weightsId);
    const graph = await buildModel(model, { config, imageSize, classes });
    const file = await openWeights(await weightsFiles(database, weightsId), name);
    const options = { source: name, mapping: await getWeightsMapping(model) };
    return (await loadWeights(graph, file, initializeParameters(graph, 0), options)).report;
  },

  files: async (weightsId) => weightsFiles(await connect(), weightsId),
  cancel: (taskId) => tasks.cancel(taskId),
};

serve(api);
