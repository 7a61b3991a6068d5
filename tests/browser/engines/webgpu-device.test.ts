// What the engine does when the graphics processor is lost or full, and how it looks into it.

import { expect, test } from 'vitest';
import { createBrowserEngine } from '$lib/engines/tfjs/browser';
import { gpuBackend } from '$lib/engines/tfjs/webgpu';
import { buildModel } from '$lib/models/build';
import { compile, differences, fixedBatch } from '../../contract/training';

const tiny = (size: number) => buildModel('tiny-cnn', { config: { width: 0.25, dropout: 0.2 }, imageSize: [size, size], classes: 3 }); // prettier-ignore

test('a device that is lost says so everywhere, and a renewed one goes on with the same bits', async () => {
  const engine = await createBrowserEngine('webgpu');
  const graph = await tiny(8);
  const step = compile(engine, graph);
  step.run(fixedBatch(graph, 4, 0), 0.01).loss.dispose();
  const saved = await step.state();
  const pending = step.run(fixedBatch(graph, 4, 1), 0.01);
  const whole = await step.state();

  gpuBackend().device.destroy();
  await expect(pending.loss.read()).rejects.toMatchObject({ code: 'device-lost' });
  await expect(step.state()).rejects.toMatchObject({ code: 'device-lost' });
  expect(await engine.lost).toMatch(/./);
  expect(() => step.run(fixedBatch(graph, 4, 1), 0.01)).toThrow('The graphics processor was lost');
  await expect(step.predict(fixedBatch(graph, 2))).rejects.toMatchObject({ code: 'device-lost' });

  const renewed = await engine.renew();
  expect(renewed.device).toEqual(engine.device);
  const again = compile(renewed, graph);
  again.restore(saved);
  again.run(fixedBatch(graph, 4, 1), 0.01).loss.dispose();
  expect(differences(await again.state(), whole)).toEqual([]);
  again.dispose();
  expect(renewed.memory().tensors).toBe(0);
});

test('a worker that asks for an engine after a loss gets one that works', async () => {
  await createBrowserEngine('webgpu');
  gpuBackend().device.destroy();
  await gpuBackend().device.lost;
  const engine = await createBrowserEngine('webgpu');
  const graph = await tiny(8);
  const step = compile(engine, graph);
  expect(await step.run(fixedBatch(graph, 4), 0.01).loss.read()).toBeGreaterThan(0);
  step.dispose();
});

test('a full device says so, and its step goes on from a state in smaller parts', async () => {
  const engine = await createBrowserEngine('webgpu');
  const graph = await tiny(16);
  const batch = (index: number) => fixedBatch(graph, 8, index);
  const inParts = compile(engine, graph, { accumulate: 4 });
  inParts.run(batch(0), 0.01).loss.dispose();
  const saved = await inParts.state();
  inParts.run(batch(1), 0.01).loss.dispose();
  const expected = await inParts.state();
  inParts.dispose();

  const { device } = gpuBackend();
  const createBuffer = device.createBuffer.bind(device);
  // Activations of the whole batch, not of a part; what is larger is asked of the real device with a size that it refuses.
  device.createBuffer = (descriptor) => {
    const { size } = descriptor;
    if (size < 60_000) return createBuffer(descriptor);
    const broken = createBuffer({ ...descriptor, size: device.limits.maxBufferSize + 4 });
    return Object.defineProperty(broken, 'size', { value: size });
  };
  const whole = compile(engine, graph);
  whole.restore(saved);
  try {
    const { loss } = whole.run(batch(1), 0.01);
    await expect(loss.read()).rejects.toMatchObject({ code: 'out-of-memory' });
    await expect(whole.state()).rejects.toMatchObject({ code: 'out-of-memory' });
    await expect(whole.predict(batch(1))).rejects.toMatchObject({ code: 'out-of-memory' });
  } finally {
    device.createBuffer = createBuffer;
  }
  whole.dispose();

  const again = compile(engine, graph, { accumulate: 4 });
  again.restore(saved);
  again.run(batch(1), 0.01).loss.dispose();
  expect(differences(await again.state(), expected)).toEqual([]);
  again.dispose();
  expect(engine.memory().tensors).toBe(0);
});

test('an upload that is refused leaves the step as it was', async () => {
  const engine = await createBrowserEngine('webgpu');
  const graph = await tiny(8);
  const [step, other] = [compile(engine, graph), compile(engine, graph)];
  for (const one of [step, other]) one.run(fixedBatch(graph, 4), 0.01).loss.dispose();
  const { device } = gpuBackend();
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = () => {
    throw new RangeError('createBuffer failed, size is too large for the implementation when mappedAtCreation == true');
  };
  try {
    expect(() => step.run(fixedBatch(graph, 6), 0.01)).toThrow('too little memory');
  } finally {
    device.createBuffer = createBuffer;
  }
  for (const one of [step, other]) one.run(fixedBatch(graph, 4), 0.01).loss.dispose();
  expect(differences(await step.state(), await other.state())).toEqual([]);
  for (const one of [step, other]) one.dispose();
  expect(engine.memory().tensors).toBe(0);
});

test('what the device says of its memory is an error of the step that it was said of', async () => {
  const engine = await createBrowserEngine('webgpu');
  const graph = await tiny(8);
  const step = compile(engine, graph);
  const saved = await step.state();
  const { device } = gpuBackend();
  const pop = device.popErrorScope.bind(device);
  device.popErrorScope = async () => {
    await pop();
    device.popErrorScope = pop;
    return new GPUOutOfMemoryError('no more');
  };
  const { loss } = step.run(fixedBatch(graph, 4), 0.01);
  await expect(loss.read()).rejects.toMatchObject({ code: 'out-of-memory' });
  expect(() => step.run(fixedBatch(graph, 4), 0.01)).toThrow('too little memory');
  step.restore(saved);
  expect(await step.run(fixedBatch(graph, 4), 0.01).loss.read()).toBeGreaterThan(0);
  step.dispose();
});

test('memory that is given back is free again', async () => {
  const engine = await createBrowserEngine('webgpu');
  const graph = await tiny(16);
  const before = engine.memory().bytes;
  const step = compile(engine, graph);
  await step.run(fixedBatch(graph, 8), 0.01).loss.read();
  expect(engine.memory().bytes).toBeGreaterThan(before + 1e6);
  step.dispose();
  expect(engine.memory().bytes).toBeLessThan(before + 1e5);
});

test('a probe is granted what is there, and gives it back', async () => {
  const engine = await createBrowserEngine('webgpu');
  expect(await engine.probe(3e8)).toBe(3e8);
  const { device } = gpuBackend();
  const buffers: GPUBuffer[] = [];
  const createBuffer = device.createBuffer.bind(device);
  // A device that refuses the second piece.
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    buffers.push(buffer);
    return buffer;
  };
  const pop = device.popErrorScope.bind(device);
  device.popErrorScope = async () => (buffers.length === 2 ? (await pop(), new GPUOutOfMemoryError('no more')) : pop());
  try {
    expect(await engine.probe(6e8)).toBe(2 ** 28);
  } finally {
    device.createBuffer = createBuffer;
    device.popErrorScope = pop;
  }
  expect(buffers).toHaveLength(2);
});

test('a profile of a step names its kernels by the GPU’s own clock', async () => {
  const engine = await createBrowserEngine('webgpu');
  const graph = await tiny(8);
  const step = compile(engine, graph);
  step.run(fixedBatch(graph, 4), 0.01).loss.dispose();
  const profile = await step.profile(fixedBatch(graph, 4), 0.01);
  // SwiftShader has timestamps.
  expect(profile.source).toBe('timestamps');
  expect(profile.kernels.map(({ name }) => name)).toEqual(expect.arrayContaining(['Conv2D', 'Multiply', 'Concat']));
  expect(profile.kernels.every(({ milliseconds }, at, all) => at === 0 || milliseconds <= all[at - 1].milliseconds)).toBe(true); // prettier-ignore
  expect(profile.total).toBeCloseTo(
    profile.kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
    5,
  );
  expect(profile.total).toBeGreaterThan(0);
  expect((await step.state()).step).toBe(2);
  step.dispose();
});
