// Watches a WebGPU device. Its errors come later than the calls that caused them: memory that is not there makes a buffer that
// looks like any other, and everything computed from it is never computed. Error scopes tell which step it was.

import { TrainyardError } from '$lib/core/errors';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { deviceLost, outOfMemory, refusal } from './device-watch';
import type { DeviceWatch } from './device-watch';

/** Words of Chromium and Firefox for a buffer beyond the device's limits. */
const TOO_LARGE = /max(imum)? ?buffer ?size|max ?(storage ?)?buffer ?binding ?size|exceeds the (maximum|max)/i;
/** A device that goes takes its calls with it some moments before it says so. */
const SAYS_SO_WITHIN_MS = 1000;

export class GpuWatch implements DeviceWatch {
  readonly lost: Promise<string>;
  readonly #backend: WebGPUBackend;
  #lostFor: string | null = null;

  constructor(backend: WebGPUBackend) {
    this.#backend = backend;
    this.lost = reasonOfLoss(backend.device);
    void this.lost.then((reason) => (this.#lostFor = reason));
  }

  enqueue<T>(work: () => T): { value: T; accepted: Promise<void> } {
    if (this.#lostFor !== null) throw deviceLost(this.#lostFor);
    const { device } = this.#backend;
    device.pushErrorScope('validation');
    device.pushErrorScope('out-of-memory');
    let accepted: Promise<void> | null = null;
    try {
      const value = work();
      accepted = this.#judge();
      return { value, accepted };
    } catch (error) {
      throw refusal(error) ?? error;
    } finally {
      // Told by whoever waits; a loss that nobody reads tells nobody.
      (accepted ?? this.#judge()).catch(() => {});
    }
  }

  async wait<T>(work: () => Promise<T>, accepted?: Promise<void>): Promise<T> {
    try {
      const working = work();
      // Of what was never computed the reading fails, too, and knows no reason.
      working.catch(() => {});
      await accepted;
      return await working;
    } catch (error) {
      if (error instanceof TrainyardError) throw error;
      const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), SAYS_SO_WITHIN_MS));
      const reason = await Promise.race([this.lost, late]);
      throw reason === null ? (refusal(error) ?? error) : deviceLost(reason);
    }
  }

  recover(): void {
    if (this.#lostFor !== null) return;
    const { device, bufferManager } = this.#backend;
    // What is still to be sent may name broken buffers: let it fail here, not in the next step.
    device.pushErrorScope('validation');
    this.#backend.ensureCommandEncoderReady();
    this.#backend.endComputePassEncoder();
    this.#backend.submitQueue();
    device.popErrorScope().catch(() => {});
    // tfjs keeps every buffer for the next one of its size, broken ones too, and has no way to let go of them.
    const free: unknown = Reflect.get(bufferManager, 'freeBuffers');
    for (const buffers of free instanceof Map ? free.values() : []) {
      for (const buffer of Array.isArray(buffers) ? buffers.splice(0) : []) {
        if (!(buffer instanceof GPUBuffer)) continue;
        bufferManager.numBytesAllocated -= buffer.size;
        buffer.destroy();
      }
    }
  }

  /** Ends the two scopes. Costs a message to the browser's graphics process and back, in which nothing waits. */
  async #judge(): Promise<void> {
    const { device } = this.#backend;
    const scopes = [device.popErrorScope(), device.popErrorScope()];
    // A lost device rejects; that it is lost is told elsewhere.
    const [memory, validation] = await Promise.all(scopes.map((scope) => scope.catch(() => null)));
    if (this.#lostFor !== null) throw deviceLost(this.#lostFor);
    if (memory !== null) throw outOfMemory(memory.message || 'it refused to give more.');
    if (validation === null) return;
    if (TOO_LARGE.test(validation.message)) throw outOfMemory(validation.message);
    throw new TrainyardError(
      'gpu-fault',
      `The graphics processor refused a command: ${validation.message}`,
      'This is a fault of the program or the driver; please report it.',
      { badInput: false },
    );
  }
}

async function reasonOfLoss(device: GPUDevice): Promise<string> {
  const { reason, message } = await device.lost;
  return message || (reason === 'destroyed' ? 'It was given back.' : 'The browser does not say why.');
}
