// Who gets files that are dropped or pasted anywhere on the page: the screen that asked last and takes them, else the layout.
import { untrack } from 'svelte';
import type { Dropped } from './drop';

export interface DropHandler {
  /** What will happen, shown while files hover: 'Drop to predict'. */
  title: string;
  /** Only these; others go to the handler before. All when left out. */
  accepts?(dropped: Dropped): boolean;
  take(dropped: Dropped): void;
  /** Comes after every screen's own handler, whenever it was added: the layout's. */
  fallback?: boolean;
}

class PageDrops {
  #handlers = $state.raw<DropHandler[]>([]);
  readonly current = $derived(this.#handlers.at(-1));

  /** Returns the function that takes it back; made for $effect(() => pageDrops.add(...)). */
  add(handler: DropHandler): () => void {
    // Untracked by design: pushing reads the list, and an effect that reads what it writes would run for ever.
    this.#handlers = handler.fallback ? [handler, ...this.#snapshot()] : [...this.#snapshot(), handler];
    return () => {
      this.#handlers = this.#snapshot().filter((other) => other !== handler);
    };
  }

  /** Gives files to whoever wants them; false when nobody does. */
  take(dropped: Dropped): boolean {
    const handler = this.#handlers.findLast(({ accepts }) => accepts?.(dropped) ?? true);
    handler?.take(dropped);
    return handler !== undefined;
  }

  #snapshot(): DropHandler[] {
    return untrack(() => this.#handlers);
  }
}

export const pageDrops = new PageDrops();
