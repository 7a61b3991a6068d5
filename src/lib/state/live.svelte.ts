// A value that is read from storage and read again whenever one of its stores changes, here or in another tab or worker.
import { onChange } from '$lib/storage/changes';
import type { StoreName } from '$lib/storage/schema';

export class Live<T> {
  /** Undefined until it has been read once. Kept while it is read again, so that nothing flickers. */
  value = $state.raw<T>();
  error = $state.raw<unknown>();
  readonly loading = $derived(this.value === undefined && this.error === undefined);

  readonly #stores: readonly StoreName[];
  readonly #load: () => Promise<T>;
  #reading = false;
  #again = false;

  constructor(stores: readonly StoreName[], load: () => Promise<T>) {
    this.#stores = stores;
    this.#load = load;
  }

  /** Reads now and on every change until the returned function is called: $effect(() => live.start()). */
  start(): () => void {
    const stop = onChange(this.#stores, () => void this.refresh());
    void this.refresh();
    return stop;
  }

  /** Never rejects: the error is shown where the value would be. Reads that pile up become one. */
  async refresh(): Promise<void> {
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    do {
      this.#again = false;
      try {
        this.value = await this.#load();
        this.error = undefined;
      } catch (error) {
        this.error = error;
      }
    } while (this.#again);
    this.#reading = false;
  }
}
