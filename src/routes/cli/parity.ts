// `trainyard parity`: files are checked all together before the first is run, so that a mistake costs no waiting.

import { connect } from '$lib/rpc/client';
import type { DeviceRequest } from '$lib/engines/contract';
import type { ParityReport } from '$lib/evaluation/parity/report';
import type { ParityApi, ParityText } from '$lib/rpc/protocol';

export function createParity() {
  const worker = connect<ParityApi>({
    title: 'The parity worker',
    start: () => new Worker(new URL('../../../workers/parity.ts', import.meta.url), { type: 'module', name: 'parity' }),
  });
  return {
    /** Throws for the first file that is no fixture or of an architecture that is not registered. */
    checkParity: ({ files }: { files: readonly ParityText[] }): Promise<void> => worker.api.check(files),
    parity: (request: ParityText & { device: DeviceRequest }): Promise<ParityReport> => worker.api.run(request),
  };
}
