// What the newest weights of a run say of a dozen of its validation images. Asked anew when a checkpoint has been kept, where somebody
// wants to see it: the answers come from the inference worker, which shares the device with the training.
import { serializeError, type ErrorData } from '$lib/core/errors';
import type { DeviceRequest } from '$lib/engines/contract';
import type { InferApi } from '$lib/rpc/protocol';
import { getBlob } from '$lib/storage/blobs';
import type { Database } from '$lib/storage/database';
import { getVersion } from '$lib/storage/datasets';
import type { Item, RunRecord } from '$lib/storage/records';
import type { CheckpointSummary } from '$lib/storage/schema';
import type { PredictionJson } from '$lib/tasks/contract';

/** Three rows on a phone, one on a screen. */
const SAMPLES = 12;

export interface Sample {
  item: Item;
  /** Names of what it is. */
  truth: readonly string[];
  answer: PredictionJson | null;
}

export class RunSamples {
  list = $state.raw<readonly Sample[]>([]);
  /** Whose answers are shown. */
  of = $state.raw<CheckpointSummary | null>(null);
  error = $state.raw<ErrorData | null>(null);
  busy = $state(false);
  readonly #infer: InferApi;
  readonly #database: () => Promise<Database>;
  readonly #device: () => DeviceRequest;
  #files: readonly { name: string; file: Blob }[] | null = null;
  /** Came while another one was asked. */
  #next: CheckpointSummary | null = null;
  #taskId = '';

  constructor(infer: InferApi, database: () => Promise<Database>, device: () => DeviceRequest) {
    this.#infer = infer;
    this.#database = database;
    this.#device = device;
  }

  /** Never rejects. Of checkpoints that come while it asks only the newest is asked afterwards. */
  async refresh(run: RunRecord, checkpoint: CheckpointSummary): Promise<void> {
    if (this.busy) {
      this.#next = checkpoint;
      return;
    }
    this.busy = true;
    let asked: CheckpointSummary | null = checkpoint;
    while (asked !== null) {
      this.#next = null;
      await this.#ask(run, asked);
      asked = this.#next;
    }
    this.busy = false;
  }

  async cancel(): Promise<void> {
    this.#next = null;
    if (this.busy) await this.#infer.cancel(this.#taskId);
  }

  async #ask(run: RunRecord, checkpoint: CheckpointSummary): Promise<void> {
    this.#taskId = crypto.randomUUID();
    const model = { kind: 'run', runId: run.id, checkpoint: checkpoint.slot } as const;
    try {
      const images = (this.#files ??= await this.#choose(run));
      const answers: PredictionJson[] = [];
      await this.#infer.predict({ taskId: this.#taskId, model, device: this.#device(), images }, (event) => {
        if (event.type === 'prediction') answers.push(event.prediction);
      });
      const answerTo = (path: string) => answers.find(({ image }) => image === path) ?? null;
      this.list = this.list.map((sample) => ({ ...sample, answer: answerTo(sample.item.path) }));
      this.of = checkpoint;
      this.error = null;
    } catch (error) {
      const data = serializeError(error);
      // The run replaced the checkpoint while it was read: the next one is on its way.
      if (data.code !== 'cancelled' && data.code !== 'checkpoint-missing') this.error = data;
    }
  }

  async #choose(run: RunRecord): Promise<{ name: string; file: Blob }[]> {
    const database = await this.#database();
    const { items } = await getVersion(database, run.versionId);
    const chosen = spread(heldOut(items), SAMPLES);
    this.list = chosen.map((item) => ({ item, truth: namesOf(item, run.classes), answer: null }));
    return Promise.all(chosen.map(async ({ path, blob }) => ({ name: path, file: await getBlob(database, blob) })));
  }
}

/** Validation images; of a data set that has none, test images. */
function heldOut(items: readonly Item[]): readonly Item[] {
  const validation = items.filter(({ split }) => split === 'val');
  return validation.length > 0 ? validation : items.filter(({ split }) => split === 'test');
}

/** At equal distances, so that every class of a list in the order of its folders has its turn. */
export function spread<Value>(values: readonly Value[], count: number): Value[] {
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, index) => values[Math.floor(((index + 0.5) * values.length) / count)]);
}

export function namesOf({ annotation }: Pick<Item, 'annotation'>, classes: readonly string[]): string[] {
  switch (annotation.kind) {
    case 'class':
      return [classes[annotation.class]];
    case 'classes':
      return annotation.classes.map((index) => classes[index]);
    case 'none':
      return [];
    default:
      return annotation satisfies never;
  }
}
