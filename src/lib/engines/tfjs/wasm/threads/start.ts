// Starts the helper workers.

import type { HelperStart } from './helper';

/**
 * Resolves when all are ready, with what ends them; rejects, with none left behind, when one cannot start. Else they live as long
 * as this thread.
 */
export async function startHelpers(count: number, start: HelperStart): Promise<() => void> {
  const workers = Array.from(
    { length: count },
    () => new Worker(new URL('./helper.ts', import.meta.url), { type: 'module' }),
  );
  const end = (): void => {
    for (const worker of workers) worker.terminate();
  };
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
    end();
    throw error;
  }
  return end;
}
