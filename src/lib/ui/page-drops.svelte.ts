// Who gets files that are dropped or pasted anywhere on the page: the screen that asked last and takes them, else the layout.
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
  /** Beside the state, for the reason in shortcuts.svelte.ts. */
  #all: DropHandler[] = [];
  #handlers = $state.raw<DropHandler[]>([]);
  readonly current = $derived(this.#handlers.at(-1));

  /** Returns the function that takes it back; made for $effect(() => pageDrops.add(...)). */
  add(handler: DropHandler): () => void {
    this.#set(handler.fallback ? [handler, ...this.#all] : [...this.#all, handler]);
    return () => this.#set(this.#all.filter((other) => other !== handler));
  }

  /** Gives files to whoever wants them; false when nobody does. */
  take(dropped: Dropped): boolean {
    const handler = this.#all.findLast(({ accepts }) => accepts?.(dropped) ?? true);
    handler?.take(dropped);
    return handler !== undefined;
  }

  #set(handlers: DropHandler[]): void {
    this.#all = handlers;
    this.#handlers = handlers;
  }
}

export const pageDrops = new PageDrops();
