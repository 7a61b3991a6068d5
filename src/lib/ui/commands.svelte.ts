// What the command palette offers now, given by the layout and the screen that is shown.
import { untrack, type Component } from 'svelte';

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
  #list = $state.raw<readonly Command[]>([]);
  readonly list = $derived(this.#list);

  /** Returns the function that takes them back. */
  add(added: readonly Command[]): () => void {
    this.#list = [...untrack(() => this.#list), ...added];
    return () => {
      this.#list = untrack(() => this.#list).filter((one) => !added.includes(one));
    };
  }
}

export const commands = new Commands();
