// What a person may ask of a run under way, from the outside to the loop: the loop looks at each step boundary. Holds no timer.

export type ControlRequest = 'save' | 'pause';

/** The loop's side. */
export interface LoopControl {
  /** Aborted to stop at the next step boundary, with a checkpoint. */
  readonly signal: AbortSignal;
  /** What was asked since the last look; each request is handed out once, a checkpoint before a pause. */
  takeRequest(): ControlRequest | null;
  /** After a pause: resolves when training is to go on, and when it is to stop. */
  continued(): Promise<void>;
}

/** The asking side. Asking twice is asking once. */
export interface ControlHandle {
  readonly control: LoopControl;
  stop(): void;
  pause(): void;
  continue(): void;
  save(): void;
}

export function createControl(): ControlHandle {
  const stopping = new AbortController();
  const { signal } = stopping;
  const asked = new Set<ControlRequest>();
  let goOn: (() => void)[] = [];

  const release = (): void => {
    const waiting = goOn;
    goOn = [];
    for (const resolve of waiting) resolve();
  };
  return {
    control: {
      signal,
      takeRequest() {
        const request = (['save', 'pause'] as const).find((kind) => asked.has(kind)) ?? null;
        if (request === 'save') asked.delete(request);
        // A pause stays asked until it is taken back: 'continue' may come before the loop waits.
        return request;
      },
      continued: () =>
        signal.aborted || !asked.has('pause') ? Promise.resolve() : new Promise((resolve) => goOn.push(resolve)),
    },
    stop() {
      asked.delete('pause');
      stopping.abort();
      release();
    },
    pause() {
      if (!signal.aborted) asked.add('pause');
    },
    continue() {
      asked.delete('pause');
      release();
    },
    save() {
      asked.add('save');
    },
  };
}

/** For callers that can only stop. */
export function controlOf(signal: AbortSignal): LoopControl {
  return { signal, takeRequest: () => null, continued: () => Promise.resolve() };
}
