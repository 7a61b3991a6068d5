// Starts the helper workers.

import type { HelperStart } from './helper';

/** Resolves when all are ready; rejects, with none left behind, when one cannot start. They live as long as this thread. */
export async function startHelpers(count: number, start: HelperStart): Promise<void> {
  const workers = Array.from(
    { length: count },
    () => new Worker(new URL('./helper.ts', import.meta.url), { type: 'module' }),
  );
  try {
    await Promise.all(
      workers.map(
        (worker) =>
          new Promise<void>((resolve, reject) => {
            worker.onmessage = () => resolve();
            worker.onerror = (event) => reject(new Error(`A helper thread did not start: ${event.message}`));
            worker.postMessage(start);
          }),
      ),
    );
  } catch (error) {
    for (const worker of workers) worker.terminate();
    throw error;
  }
}
