// The list behind Toaster.svelte. For what the person did not cause just now, and for undo.
import type { Tone } from './colors';

export interface Toast {
  id: number;
  tone: Tone;
  text: string;
  detail?: string;
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 6_000;
/** With an action there must be time to read, decide and reach it. */
const SHOWN_WITH_ACTION_MS = 12_000;

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;
  #timers = new Map<number, ReturnType<typeof setTimeout>>();

  /** Errors stay until they are closed. */
  show(toast: Omit<Toast, 'id' | 'tone'> & { tone?: Tone }): number {
    const id = this.#next++;
    this.list.push({ tone: 'neutral', ...toast, id });
    this.#arm(id);
    return id;
  }

  dismiss(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  /** While the pointer or the focus is on the list nothing disappears. */
  hold(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  release(): void {
    for (const { id } of this.list) this.#arm(id);
  }

  #arm(id: number): void {
    const toast = this.list.find((other) => other.id === id);
    if (!toast || toast.tone === 'bad' || this.#timers.has(id)) return;
    const after = toast.action ? SHOWN_WITH_ACTION_MS : SHOWN_MS;
    this.#timers.set(
      id,
      setTimeout(() => this.dismiss(id), after),
    );
  }
}

export const toasts = new Toasts();
