// How many bytes a device grants at this moment: by asking for them, and giving them back at once.

import * as tf from '@tensorflow/tfjs-core';
import type { BackendName } from '../contract';
import { CEILING, RESERVE, wasmBackend } from './wasm/heap';
import { nativeFor } from './wasm/native';
import { gpuBackend, isSoftwareDevice } from './webgpu';

const PAGE = 65_536;
/** A software adapter takes the machine's own memory at once, and its process ends where that does. */
const SOFTWARE_LIMIT = 2 ** 30;
/** Few enough calls, and small enough that a device in pieces is not taken for a full one. */
const CHUNK = 256 * 2 ** 20;

/** Bytes up to `wanted` that could be had beside what is in use. */
export async function probeMemory(backend: BackendName, wanted: number): Promise<number> {
  if (backend === 'webgpu') {
    const { device } = gpuBackend();
    return probeGpu(device, isSoftwareDevice(device) ? Math.min(wanted, SOFTWARE_LIMIT) : wanted);
  }
  return backend === 'wasm' ? probeWasm(wanted) : probeHost(wanted);
}

/**
 * Chunk by chunk under an error scope. What tfjs keeps for reuse counts as taken. A driver that moves buffers to ordinary memory
 * grants more than the card has.
 */
export async function probeGpu(device: GPUDevice, wanted: number): Promise<number> {
  const chunk = Math.min(CHUNK, device.limits.maxBufferSize);
  const buffers: GPUBuffer[] = [];
  let granted = 0;
  try {
    while (granted < wanted) {
      const size = Math.ceil(Math.min(chunk, wanted - granted) / 4) * 4;
      device.pushErrorScope('out-of-memory');
      buffers.push(device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST }));
      if ((await device.popErrorScope()) !== null) break;
      granted += size;
    }
  } finally {
    for (const buffer of buffers) buffer.destroy();
  }
  return Math.min(granted, wanted);
}

/**
 * The heap never shrinks: it is not grown to see whether it could. A memory of the size that it would have to grow by is asked of
 * the system instead, below the ceiling of 32-bit addresses.
 */
function probeWasm(wanted: number): number {
  const heap = nativeFor(wasmBackend(tf.backend())).memory.buffer.byteLength;
  const used = Math.min(tf.memory().numBytes, heap);
  const possible = Math.min(wanted, CEILING - RESERVE - used);
  const free = heap - used;
  if (possible <= free) return possible;
  return free + largest(possible - free, (bytes) => void new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) }));
}

/** An upper bound: a system that gives memory only when it is written to grants more here than it has. */
function probeHost(wanted: number): number {
  const held: ArrayBuffer[] = [];
  let granted = 0;
  while (granted < wanted) {
    const size = Math.min(CHUNK, wanted - granted);
    const given = largest(size, (bytes) => held.push(new ArrayBuffer(bytes)));
    granted += given;
    if (given < size) break;
  }
  held.length = 0;
  return granted;
}

/** The whole, or as much of it by repeated halving as does not throw a RangeError. */
function largest(bytes: number, ask: (bytes: number) => void): number {
  for (let size = Math.floor(bytes); size >= PAGE; size = Math.floor(size / 2)) {
    try {
      ask(size);
      return size;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return 0;
}
