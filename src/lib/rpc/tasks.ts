// Work of a worker that can be cancelled by name, and work that must not overlap. Knows nothing of what the work is.

/** Long calls by task id, so that `cancel(taskId)` reaches them. */
export interface CancellableTasks {
  /** Calls `work` with a signal that `cancel(taskId)` aborts. */
  run<Value>(taskId: string, work: (signal: AbortSignal) => Promise<Value>): Promise<Value>;
  /** Does nothing for a task that has ended or never was. */
  cancel(taskId: string): Promise<void>;
}

export function createTasks(): CancellableTasks {
  const controllers = new Map<string, AbortController>();
  return {
    async run(taskId, work) {
      const controller = new AbortController();
      controllers.set(taskId, controller);
      try {
        return await work(controller.signal);
      } finally {
        controllers.delete(taskId);
      }
    },
    cancel(taskId) {
      controllers.get(taskId)?.abort();
      return Promise.resolve();
    },
  };
}

/** Calls given to the returned function are made one after the other, in the order given; a failed one stops nothing. */
export function createQueue(): <Value>(work: () => Promise<Value>) => Promise<Value> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    // Whoever called hears of the failure; the queue itself only needs to know that it ended.
    last = next.catch(() => undefined);
    return next;
  };
}
