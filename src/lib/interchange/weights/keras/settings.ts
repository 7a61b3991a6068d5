// The configuration of one Keras layer, read with care: what is of another kind than Keras writes makes the layer unsupported.

import { isObject } from '$lib/core/path';
import type { Pair } from '$lib/graph/types';
import { property } from '../json-file';
import type { JsonObject } from '../json-file';
import { quoted } from '../unreadable';

/** A network that cannot become a graph. Never leaves this folder: see network.ts. */
export class Unsupported extends Error {
  /** What it is that we lack: 'LSTM', 'UpSampling2D (bilinear)'. */
  constructor(
    readonly what: string,
    reason: string,
  ) {
    super(reason);
  }
}

export class LayerSettings {
  constructor(
    readonly kind: string,
    readonly name: string,
    readonly config: JsonObject,
  ) {}

  /** `found` is an end of 'Layer "x" (Conv2D) ...'. */
  unsupported(found: string, what = this.kind): Unsupported {
    return new Unsupported(what, `Layer ${quoted(this.name)} (${this.kind}) ${found}.`);
  }

  #wrong(key: string): Unsupported {
    const value = JSON.stringify(property(this.config, key)) ?? 'missing';
    return this.unsupported(`has the setting ${key}: ${value.slice(0, 60)}, which is none that Keras writes`);
  }

  has(key: string): boolean {
    const value = property(this.config, key);
    return value !== undefined && value !== null;
  }

  value(key: string): unknown {
    return property(this.config, key);
  }

  number(key: string, absent?: number): number {
    const value = property(this.config, key) ?? absent;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw this.#wrong(key);
  }

  integer(key: string, absent?: number): number {
    const value = this.number(key, absent);
    if (Number.isInteger(value) && Math.abs(value) <= 1e9) return value;
    throw this.#wrong(key);
  }

  /** A whole number of at least 1. */
  count(key: string, absent?: number): number {
    const value = this.integer(key, absent);
    if (value >= 1) return value;
    throw this.#wrong(key);
  }

  flag(key: string, absent: boolean): boolean {
    const value = property(this.config, key) ?? absent;
    if (typeof value === 'boolean') return value;
    throw this.#wrong(key);
  }

  text(key: string, absent?: string): string {
    const value = property(this.config, key) ?? absent;
    if (typeof value === 'string') return value;
    throw this.#wrong(key);
  }

  /** Whole numbers; `null` becomes `hole` where that is given. */
  integers(key: string, hole?: number): readonly number[] {
    const value = property(this.config, key);
    if (!Array.isArray(value) || value.length > 8) throw this.#wrong(key);
    return value.map((item: unknown) => {
      const number = item ?? hole;
      if (typeof number === 'number' && Number.isInteger(number) && Math.abs(number) <= 1e9) return number;
      throw this.#wrong(key);
    });
  }

  /** One number for both or a list of two; at least 1. */
  pair(key: string, absent?: Pair): Pair {
    if (!this.has(key) && absent !== undefined) return absent;
    const value = property(this.config, key);
    const [height, width, ...rest] = typeof value === 'number' ? [value, value] : this.integers(key);
    if (Number.isInteger(height) && height >= 1 && width >= 1 && rest.length === 0) return [height, width];
    throw this.#wrong(key);
  }

  /** Per channel: one number for all or a list of them. */
  channels(key: string, count: number, absent?: number): number[] {
    const value = property(this.config, key) ?? absent;
    if (typeof value === 'number' && Number.isFinite(value)) return Array<number>(count).fill(value);
    const flat: unknown[] = Array.isArray(value) ? value.flat(4) : [];
    const numbers = flat.filter((item): item is number => typeof item === 'number' && Number.isFinite(item));
    if (numbers.length === flat.length && numbers.length === count) return numbers;
    if (numbers.length === flat.length && numbers.length === 1) return Array<number>(count).fill(numbers[0]);
    throw this.#wrong(key);
  }

  /** Everything that is not channels last is another network. */
  channelsLast(): void {
    const format = this.text('data_format', 'channels_last');
    if (format !== 'channels_last')
      throw this.unsupported(`keeps images ${quoted(format)}`, `${this.kind} (${format})`);
  }

  /** A nested configuration: { class_name, config }. */
  object(key: string): JsonObject {
    const value = property(this.config, key);
    if (isObject(value)) return value;
    throw this.#wrong(key);
  }
}
