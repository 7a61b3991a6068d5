// The weights that this browser keeps, and those that are on their way: from files, from an address, from the hub.
import { serializeError, type ErrorData } from '$lib/core/errors';
import type { LoadReport } from '$lib/interchange/weights/contract';
import type { ModelEntry } from '$lib/models/contract';
import type { ImportedNetwork } from '$lib/models/imported';
import type { WeightsApi, WeightsEvent, WeightsOffer } from '$lib/rpc/protocol';
import type { Database } from '$lib/storage/database';
import type { WeightsRecord } from '$lib/storage/records';
import { listWeights, removeWeights } from '$lib/storage/weights';
import { Live } from './live.svelte';

export interface GivenFile {
  path: string;
  file: File;
}

/** A download or a file that is being read. */
export class WeightsTask {
  readonly taskId = crypto.randomUUID();
  /** What was asked for: a hub name, an address, a file's name. */
  readonly reference: string;
  readonly kind: 'download' | 'file';
  status = $state<'running' | 'cancelling' | 'cancelled' | 'done' | 'failed'>('running');
  progress = $state.raw<WeightsEvent | null>(null);
  error = $state.raw<ErrorData | null>(null);
  record = $state.raw<WeightsRecord | null>(null);
  readonly active = $derived(this.status === 'running' || this.status === 'cancelling');

  constructor(reference: string, kind: WeightsTask['kind']) {
    this.reference = reference;
    this.kind = kind;
  }

  /** 0..1; null while the end is not known. */
  get share(): number | null {
    const { done, total } = this.progress ?? { done: 0, total: null };
    return total === null || total === 0 ? null : done / total;
  }
}

export class Weights {
  readonly list: Live<readonly WeightsRecord[]>;
  /** Newest last; ended ones stay until they are dismissed or done. */
  tasks = $state.raw<readonly WeightsTask[]>([]);
  readonly #api: WeightsApi;
  readonly #database: () => Promise<Database>;

  constructor(api: WeightsApi, database: () => Promise<Database>) {
    this.#api = api;
    this.#database = database;
    this.list = new Live(['weights'], async () => listWeights(await database()));
  }

  /** The stored weights that a job's `model.weights` means. */
  find(reference: string | null): WeightsRecord | undefined {
    if (reference === null) return undefined;
    return this.list.value?.find(({ id, sources }) => reference === `sha256:${id}` || sources.includes(reference));
  }

  /** The task that fetches this, running or failed. */
  taskOf(reference: string): WeightsTask | undefined {
    return this.tasks.findLast((task) => task.reference === reference);
  }

  /** Size and place, from the server. The first request that leaves this page; only when asked for. */
  offer(reference: string): Promise<WeightsOffer> {
    return this.#api.offer({ reference });
  }

  /** Downloads, or goes on with a download. `ended` never rejects. */
  download(reference: string): { task: WeightsTask; ended: Promise<WeightsTask> } {
    const task = this.#add(new WeightsTask(reference, 'download'));
    const request = { taskId: task.taskId, reference };
    return { task, ended: this.#run(task, () => this.#api.download(request, (event) => (task.progress = event))) };
  }

  /** Reads and keeps the files of one model. `ended` never rejects. */
  importFiles(name: string, files: readonly GivenFile[]): { task: WeightsTask; ended: Promise<WeightsTask> } {
    const task = this.#add(new WeightsTask(name, 'file'));
    const request = { taskId: task.taskId, name, source: null, files };
    return { task, ended: this.#run(task, () => this.#api.importFiles(request, (event) => (task.progress = event))) };
  }

  async cancel(task: WeightsTask): Promise<void> {
    if (task.status !== 'running') return;
    task.status = 'cancelling';
    await this.#api.cancel(task.taskId);
  }

  dismiss(task: WeightsTask): void {
    this.tasks = this.tasks.filter((other) => other !== task);
  }

  /** What a model would take. Rejects with 'weights-mismatch' where it refuses. */
  report(
    weightsId: string,
    job: { model: { name: string; config: Readonly<Record<string, unknown>> }; preprocess: { image_size: number } },
    classes: number,
  ): Promise<LoadReport> {
    const { image_size: size } = job.preprocess;
    const { name: model, config } = job.model;
    return this.#api.report({ weightsId, model, config, imageSize: [size, size], classes });
  }

  /** The files as they came. */
  files(id: string): Promise<readonly { path: string; blob: Blob }[]> {
    return this.#api.files(id);
  }

  async remove(id: string): Promise<void> {
    await removeWeights(await this.#database(), id);
  }

  #add(task: WeightsTask): WeightsTask {
    this.tasks = [...this.tasks.filter(({ reference }) => reference !== task.reference), task];
    return task;
  }

  async #run(task: WeightsTask, work: () => Promise<WeightsRecord>): Promise<WeightsTask> {
    try {
      task.record = await work();
      task.status = 'done';
      await this.list.refresh();
      this.dismiss(task);
    } catch (error) {
      if (task.status === 'cancelling') {
        task.status = 'cancelled';
        this.dismiss(task);
      } else {
        task.error = serializeError(error);
        task.status = 'failed';
      }
    }
    return task;
  }
}

/** What a job needs to know of the network in stored weights; undefined where they hold none. */
export function networkOf(record: WeightsRecord | undefined): ImportedNetwork | undefined {
  const architecture = record?.architecture;
  if (architecture?.kind === 'graph') return architecture;
  if (architecture?.kind === 'extractor') return { ...architecture, frozen: true };
  return undefined;
}

/** How stored weights are named in a job: by what the person knows them as, else by their content. */
export function referenceOf(record: WeightsRecord): string {
  return record.sources.at(0) ?? `sha256:${record.id}`;
}

/** File names are a hint that a drop is weights and no images. */
export function looksLikeWeights(files: readonly { path: string }[]): boolean {
  const names = files.map(({ path }) => path.toLowerCase());
  if (names.some((name) => /\.(safetensors|pth|pt|ckpt|h5|hdf5|keras|onnx)$/.test(name))) return names.length === 1;
  if (names.length === 1 && /\.bin$/.test(names[0])) return true;
  const folder = names.some((name) => /(^|\/)model\.json$/.test(name));
  return folder && !names.some((name) => /\.(jpe?g|png|webp|gif|bmp|avif)$/.test(name));
}

/** The published weights of a model that a job's reference names. */
export function publishedOf(entry: ModelEntry, reference: string | null) {
  return entry.meta.pretrained.find(({ name }) => name === reference);
}
