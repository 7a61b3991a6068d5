// What will compute, and why; which one was forced. Asks the inference worker, once it is wanted.
import type { DeviceReport, DeviceRequest } from '$lib/engines/contract';
import type { InferApi } from '$lib/rpc/protocol';
import { readPreference, writePreference } from './preference';

export const DEVICE_REQUESTS = ['auto', 'webgpu', 'wasm', 'cpu'] as const satisfies readonly DeviceRequest[];

export class Device {
  request = $state<DeviceRequest>(readPreference('device', DEVICE_REQUESTS, 'auto'));
  report = $state.raw<DeviceReport | null>(null);
  error = $state.raw<unknown>(null);
  checking = $state(false);
  readonly #infer: InferApi;

  constructor(infer: InferApi) {
    this.#infer = infer;
  }

  /** Does nothing when it is known already. Never rejects; see `error`. */
  async check(): Promise<void> {
    if (this.report !== null || this.checking) return;
    await this.#ask();
  }

  async force(request: DeviceRequest): Promise<void> {
    this.request = request;
    writePreference('device', request);
    await this.#ask();
  }

  /** A run tells which device it got, for free. */
  learn(report: DeviceReport): void {
    if (this.report === null) this.report = report;
  }

  async #ask(): Promise<void> {
    const asked = this.request;
    this.checking = true;
    this.error = null;
    try {
      const report = await this.#infer.device(asked);
      if (asked === this.request) this.report = report;
    } catch (error) {
      if (asked === this.request) this.error = error;
    } finally {
      if (asked === this.request) this.checking = false;
    }
  }
}
