// Images that wait for an answer, and the answers. One batch at a time goes to the inference worker.
import { serializeError, type ErrorData } from '$lib/core/errors';
import type { DeviceRequest } from '$lib/engines/contract';
import type { InferApi, ModelReference, PredictionEvent } from '$lib/rpc/protocol';
import type { PredictionJson } from '$lib/tasks/contract';

export class PredictedImage {
  readonly id = crypto.randomUUID();
  readonly name: string;
  readonly file: File;
  /** Of the file; revoked when it is taken off the list. */
  readonly url: string;
  status = $state<'waiting' | 'done' | 'unreadable'>('waiting');
  prediction = $state.raw<PredictionJson | null>(null);
  timing = $state.raw<PredictionEvent['timing'] | null>(null);
  reason = $state('');

  constructor(name: string, file: File) {
    this.name = name;
    this.file = file;
    this.url = URL.createObjectURL(file);
  }
}

export class Predictions {
  /** Newest first. */
  list = $state.raw<readonly PredictedImage[]>([]);
  busy = $state(false);
  error = $state.raw<ErrorData | null>(null);
  readonly waiting = $derived(this.list.filter(({ status }) => status === 'waiting').length);
  readonly results = $derived(this.list.flatMap(({ prediction }) => (prediction === null ? [] : [prediction])));
  readonly #infer: InferApi;
  readonly #device: () => DeviceRequest;
  #model: ModelReference | null = null;
  #taskId: string | null = null;

  constructor(infer: InferApi, device: () => DeviceRequest) {
    this.#infer = infer;
    this.#device = device;
  }

  /** Another model: what is on the list is asked again. */
  use(model: ModelReference | null): void {
    this.#model = model;
    this.error = null;
    for (const image of this.list) {
      image.status = 'waiting';
      image.prediction = null;
      image.timing = null;
    }
    void this.#cancel().then(() => this.#run());
  }

  add(files: readonly { path: string; file: File }[]): void {
    this.list = [...files.map(({ path, file }) => new PredictedImage(this.#free(path), file)), ...this.list];
    void this.#run();
  }

  remove(image: PredictedImage): void {
    URL.revokeObjectURL(image.url);
    this.list = this.list.filter((other) => other !== image);
  }

  clear(): void {
    void this.#cancel();
    for (const { url } of this.list) URL.revokeObjectURL(url);
    this.list = [];
    this.error = null;
  }

  /** Answers come back by name, so each needs its own. */
  #free(name: string): string {
    const taken = (wanted: string) => this.list.some((image) => image.name === wanted);
    if (!taken(name)) return name;
    for (let copy = 2; ; copy++) {
      if (!taken(`${name} (${copy})`)) return `${name} (${copy})`;
    }
  }

  async #run(): Promise<void> {
    const model = this.#model;
    if (this.busy || model === null) return;
    const batch = this.list.filter(({ status }) => status === 'waiting');
    if (batch.length === 0) return;
    this.busy = true;
    this.error = null;
    this.#taskId = crypto.randomUUID();
    try {
      const images = batch.map(({ name, file }) => ({ name, file }));
      await this.#infer.predict({ taskId: this.#taskId, model, device: this.#device(), images }, (event) => {
        const name = event.type === 'prediction' ? event.prediction.image : event.image;
        const image = batch.find((one) => one.name === name);
        // An answer of a model that has been changed meanwhile is not shown under the new one.
        if (!image || model !== this.#model) return;
        if (event.type === 'prediction') {
          image.prediction = event.prediction;
          image.timing = event.timing;
          image.status = 'done';
        } else {
          image.reason = event.reason;
          image.status = 'unreadable';
        }
      });
    } catch (error) {
      const data = serializeError(error);
      if (data.code !== 'cancelled') this.error = data;
    } finally {
      this.busy = false;
      this.#taskId = null;
    }
    // What came meanwhile is the next batch; what this one left unanswered is not asked for ever.
    const more = this.list.some((image) => image.status === 'waiting' && !batch.includes(image));
    if (model !== this.#model || (more && this.error === null)) await this.#run();
  }

  async #cancel(): Promise<void> {
    if (this.#taskId !== null) await this.#infer.cancel(this.#taskId).catch(() => undefined);
  }
}
