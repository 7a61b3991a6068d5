// Parity worker, for `trainyard parity`. Wiring.

import type { DeviceRequest } from '$lib/engines/contract';
import { createBrowserEngine } from '$lib/engines/tfjs/browser';
import type { TfjsEngine } from '$lib/engines/tfjs/engine';
import { architectureOf, parseFixture } from '$lib/evaluation/parity/fixture';
import { runParity } from '$lib/evaluation/parity/report';
import { getModel } from '$lib/models/registry';
import type { ParityApi } from '$lib/rpc/protocol';
import { serve } from '$lib/rpc/serve';

/** One for each device that was asked for: all but the last would be refused by tfjs, so a worker gets one device. */
let started: { device: DeviceRequest; engine: Promise<TfjsEngine> } | null = null;

function engineOn(device: DeviceRequest): Promise<TfjsEngine> {
  if (started?.device !== device) started = { device, engine: createBrowserEngine(device) };
  return started.engine;
}

const api: ParityApi = {
  check(files) {
    for (const { file, text } of files) getModel(architectureOf(parseFixture(text, file)));
    return Promise.resolve();
  },
  async run({ file, text, device }) {
    return runParity(parseFixture(text, file), file, await engineOn(device));
  },
};

serve(api);
