// What the command palette offers now, given by the layout and the screen that is shown.
import type { Component } from 'svelte';

export interface Command {
  id: string;
  title: string;
  /** Heading in the palette: 'Go to', 'Project'. */
  group: string;
  icon?: Component<{ size?: number; class?: string }>;
  /** As in shortcuts: shown, not bound. */
  keys?: string;
  /** Further words to find it by. */
  words?: string;
  run: () => void;
}

class Commands {
  /** Beside the state, for the reason in shortcuts.svelte.ts. */
  #all: readonly Command[] = [];
  #list = $state.raw<readonly Command[]>([]);
  readonly list = $derived(this.#list);

  /** Returns the function that takes them back. */
  add(added: readonly Command[]): () => void {
    this.#set([...this.#all, ...added]);
    return () => this.#set(this.#all.filter((one) => !added.includes(one)));
  }

  #set(all: readonly Command[]): void {
    this.#all = all;
    this.#list = all;
  }
}

export const commands = new Commands();
