// Who gets files that are dropped or pasted anywhere on the page: the screen that asked last, else the layout's own handler.
import { untrack } from 'svelte';
import type { Dropped } from './drop';

export interface DropHandler {
  /** What will happen, shown while files hover: 'Drop to predict'. */
  title: string;
  take(dropped: Dropped): void;
}

class PageDrops {
  #handlers = $state.raw<DropHandler[]>([]);
  readonly current = $derived(this.#handlers.at(-1));

  /** Returns the function that takes it back; made for $effect(() => pageDrops.add(...)). */
  add(handler: DropHandler): () => void {
    // Untracked by design: pushing reads the list, and an effect that reads what it writes would run for ever.
    this.#handlers = [...this.#snapshot(), handler];
    return () => {
      this.#handlers = this.#snapshot().filter((other) => other !== handler);
    };
  }

  #snapshot(): DropHandler[] {
    return untrack(() => this.#handlers);
  }
}

export const pageDrops = new PageDrops();
