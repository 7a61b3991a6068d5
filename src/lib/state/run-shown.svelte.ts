// The run of a page, wherever it trains: live events where this tab trains it, storage where another one does or did. What is
// asked of it goes to whichever tab that is.
import type { RunRecord, RunStatus } from '$lib/storage/records';
import type { LiveStatus, RunControl, RunWish } from './run-control.svelte';
import type { RunView } from './run-view.svelte';

/** Another tab answers at its next step, which on a slow device takes seconds. */
const ANSWER_WITHIN_MS = 15_000;

export class ShownRun {
  readonly view: RunView;
  readonly #control: RunControl;
  /** What another tab was asked and has not done yet. */
  asked = $state<RunWish | null>(null);
  /** It did not do it in time. */
  unanswered = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(control: RunControl, view: RunView) {
    this.#control = control;
    this.view = view;
  }

  /** Of this tab, also after it ended. */
  readonly live = $derived.by(() => this.#control.of(this.view.runId));
  readonly active = $derived.by(() => (this.live?.active === true ? this.live : null));
  readonly run: RunRecord | null = $derived.by(() => {
    const stored = this.view.details.value?.run ?? null;
    const ended = this.live?.record ?? null;
    // Storage is read a moment after the end.
    return ended !== null && (stored === null || trains(stored.status)) ? ended : stored;
  });
  /** A run of this tab failed before its record could say so. */
  readonly elsewhere = $derived.by(() => {
    if (this.active || this.run === null || !trains(this.run.status)) return false;
    return this.live === null || this.live.error === null;
  });
  readonly curves = $derived.by(() => (this.active ?? this.view).curves);
  readonly revision = $derived.by(() => (this.active ?? this.view).revision);
  readonly paused = $derived.by(() => {
    if (this.active) return this.active.status === 'paused';
    void this.revision;
    return this.elsewhere && (this.run?.status === 'paused' || this.curves.paused !== null);
  });
  readonly status: RunStatus | null = $derived.by(() => {
    if (this.active || this.elsewhere) return this.paused ? 'paused' : 'running';
    if (this.run !== null && trains(this.run.status)) return 'failed';
    return this.run?.status ?? null;
  });
  /** What it is at: as of a live run; of another tab's as far as can be seen from here. */
  readonly phase: LiveStatus = $derived.by(() => {
    if (this.active) return this.active.status;
    if (!this.elsewhere) return 'ended';
    if (this.asked === 'stop') return 'stopping';
    if (this.paused) return 'paused';
    return this.asked === 'pause' ? 'pausing' : 'running';
  });

  async ask(wish: RunWish): Promise<void> {
    this.unanswered = false;
    const { elsewhere } = this;
    await this.#control.ask(wish, this.view.runId);
    if (!elsewhere) return;
    this.asked = wish;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.unanswered = this.asked !== null;
      this.asked = null;
    }, ANSWER_WITHIN_MS);
  }

  /** To be called when the run has changed: what was asked is done once it is seen. */
  settle(): void {
    const done = { pause: this.paused, continue: !this.paused, stop: !this.elsewhere, save: this.curves.checkpoints.at(-1)?.kind === 'saved' }; // prettier-ignore
    if (this.asked === null || !done[this.asked]) return;
    this.asked = null;
    clearTimeout(this.#timer);
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }
}

function trains(status: RunStatus): boolean {
  return status === 'running' || status === 'paused';
}
