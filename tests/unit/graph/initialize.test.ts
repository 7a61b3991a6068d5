import { describe, expect, test } from 'vitest';
import { initializeParameter, initializeParameters } from '$lib/graph/initialize';
import {
  efficientNetConv,
  efficientNetLinear,
  kaimingFanIn,
  kaimingFanOut,
  torchDefault,
} from '$lib/graph/initializers';
import { GraphBuilder } from '$lib/graph/builder';
import type { Initializer, ParameterSpecification } from '$lib/graph/types';

const specification = (initializer: Initializer, name = 'w'): ParameterSpecification => ({
  name,
  shape: [100, 200],
  layout: 'plain',
  trainable: true,
  decay: true,
  initializer,
});

function statistics(values: Float32Array): { mean: number; std: number; largest: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return {
    mean,
    std: Math.sqrt(variance),
    largest: values.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
  };
}

describe('20,000 draws have the moments that were asked for', () => {
  // The mean of 20,000 draws has a standard error of 0.7% of the deviation; 5 of those are allowed.
  const cases: [Initializer, number][] = [
    [{ kind: 'normal', std: 0.5 }, 0.5],
    [{ kind: 'uniform', bound: 0.3 }, 0.3 / Math.sqrt(3)],
    // The deviation of a normal distribution cut at two of its deviations.
    [{ kind: 'truncated_normal', std: 0.5 }, 0.5 * 0.8796],
  ];
  test.each(cases)('%o', (initializer, std) => {
    const found = statistics(initializeParameter(specification(initializer), 3));
    expect(Math.abs(found.mean)).toBeLessThan(0.035 * std);
    expect(Math.abs(found.std / std - 1)).toBeLessThan(0.03);
    if (initializer.kind === 'uniform') expect(found.largest).toBeLessThanOrEqual(Math.fround(0.3));
    if (initializer.kind === 'truncated_normal') expect(found.largest).toBeLessThanOrEqual(1);
  });
});

test('constants are constant', () => {
  expect(initializeParameter(specification({ kind: 'zeros' }), 1).every((value) => value === 0)).toBe(true);
  expect(initializeParameter(specification({ kind: 'ones' }), 1).every((value) => value === 1)).toBe(true);
  expect(initializeParameter(specification({ kind: 'constant', value: 0.5 }), 1).every((value) => value === 0.5)).toBe(true); // prettier-ignore
});

test('the recipes follow from the fans', () => {
  const fans = { fanIn: 50, fanOut: 200, groups: 4 };
  expect(torchDefault(fans)).toEqual({ kind: 'uniform', bound: 1 / Math.sqrt(50) });
  expect(kaimingFanOut(fans)).toEqual({ kind: 'normal', std: 0.1 });
  expect(kaimingFanIn(fans)).toEqual({ kind: 'normal', std: 0.2 });
  expect(efficientNetConv(fans)).toEqual({ kind: 'normal', std: 0.2 });
  expect(efficientNetLinear(fans)).toEqual({ kind: 'uniform', bound: 1 / Math.sqrt(200) });
});

test('a parameter’s start depends on the seed and its name alone', () => {
  const build = (extra: boolean): Map<string, Float32Array> => {
    const builder = new GraphBuilder([8, 8]);
    let x = builder.conv2d('a', builder.input, { filters: 2, kernel: 1 });
    if (extra) x = builder.conv2d('extra', x, { filters: 2, kernel: 1 });
    return initializeParameters(builder.build(builder.conv2d('b', x, { filters: 2, kernel: 1 })), 9);
  };
  expect(build(true).get('b.weight')).toEqual(build(false).get('b.weight'));
  expect(build(false).get('a.weight')).not.toEqual(build(false).get('b.weight'));
  const uniform = specification({ kind: 'uniform', bound: 1 });
  expect(initializeParameter(uniform, 1)).not.toEqual(initializeParameter(uniform, 2));
});
