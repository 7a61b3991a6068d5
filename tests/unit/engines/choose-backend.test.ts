import { describe, expect, test } from 'vitest';
import { chooseBackend } from '$lib/engines/tfjs/choose-backend';
import type { DeviceSurvey } from '$lib/engines/tfjs/choose-backend';
import { describeAdapter, isSoftware } from '$lib/engines/tfjs/webgpu';

const real: DeviceSurvey = { webgpu: { adapter: 'nvidia ampere', software: false }, wasm: { simd: true, threads: 4 } };
const software: DeviceSurvey = { ...real, webgpu: { adapter: 'SwiftShader (software)', software: true } };
const none: DeviceSurvey = { webgpu: { missing: 'This browser has no WebGPU.' }, wasm: { missing: 'No WebAssembly.' } };

describe('auto', () => {
  test('takes a real graphics processor', () => {
    expect(chooseBackend('auto', real)).toMatchObject({ backend: 'webgpu' });
  });

  test('takes WASM where WebGPU is only software, and says so', () => {
    const { backend, reason } = chooseBackend('auto', software);
    expect({ backend, reason }).toEqual({
      backend: 'wasm',
      reason: 'WebGPU is only software here (SwiftShader (software)).',
    });
  });

  test('takes WASM where WebGPU is missing, and plain JavaScript where both are', () => {
    expect(chooseBackend('auto', { ...real, webgpu: none.webgpu })).toMatchObject({
      backend: 'wasm',
      reason: 'This browser has no WebGPU.',
    });
    expect(chooseBackend('auto', none)).toMatchObject({ backend: 'cpu' });
  });
});

test('a choice by name is obeyed, software or not', () => {
  expect(chooseBackend('webgpu', software)).toMatchObject({ backend: 'webgpu', reason: 'Asked for.' });
  expect(chooseBackend('cpu', real)).toMatchObject({ backend: 'cpu' });
});

test('a device that is not there is refused with the reason', () => {
  expect(() => chooseBackend('webgpu', none)).toThrow(
    'The device "webgpu" was asked for, but is not available: This browser has no WebGPU.',
  );
});

test('the alternatives are the other two, with the reason for each', () => {
  expect(chooseBackend('auto', software).alternatives).toEqual([
    { backend: 'webgpu', available: true, reason: 'SwiftShader (software) is software: slower than WASM.' },
    { backend: 'cpu', available: true, reason: expect.stringContaining('JavaScript') as string },
  ]);
});

describe('adapters', () => {
  const info = { vendor: '', architecture: '', device: '', description: '' };
  test.each([
    [{ ...info, vendor: 'google', architecture: 'swiftshader' }, true, 'SwiftShader (software)'],
    [{ ...info, vendor: 'mesa', description: 'llvmpipe (LLVM 15.0.7, 256 bits)' }, true, 'llvmpipe (LLVM 15.0.7, 256 bits) (software)'],
    [{ ...info, vendor: 'microsoft', description: 'Microsoft Basic Render Driver' }, true, 'Microsoft Basic Render Driver (software)'],
    [{ ...info, vendor: 'microsoft', architecture: 'warp' }, true, 'microsoft warp (software)'],
    [{ ...info, vendor: 'anyone', isFallbackAdapter: true }, true, 'anyone (software)'],
    [{ ...info, vendor: 'nvidia', architecture: 'ampere' }, false, 'nvidia ampere'],
    [{ ...info, vendor: 'apple', architecture: 'metal-3' }, false, 'apple metal-3'],
    [info, false, 'unnamed adapter'],
  ])('%o', (adapter, expected, name) => {
    expect(isSoftware(adapter)).toBe(expected);
    expect(describeAdapter(adapter)).toBe(name);
  }); // prettier-ignore
});
