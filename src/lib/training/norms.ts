// Norms of the last steps, which the device computed beside them: read where the job wants to see them or when the loss fails, else
// thrown away unread.

import type { LazyNorms } from '$lib/engines/contract';
import type { FailureDetail, LayerNorm } from './events';

type Read = Awaited<ReturnType<LazyNorms['read']>>;

interface Entry {
  /** Counts from 0. */
  step: number;
  lazy: LazyNorms;
  read: Promise<Read> | null;
}

/** Steps whose norms are kept: those under way, and some before the one whose loss failed. */
const KEPT = 8;

/** So many gradients tell where it went wrong; a large network has hundreds. */
const LISTED = 20;

export class NormLog {
  #entries: Entry[] = [];

  /** Takes ownership. */
  add(step: number, lazy: LazyNorms): void {
    this.#entries.push({ step, lazy, read: null });
    while (this.#entries.length > KEPT) this.#entries.shift()?.lazy.dispose();
  }

  /** A synchronisation. Null where that step's are no longer kept. */
  async layers(step: number): Promise<LayerNorm[] | null> {
    const entry = this.#entries.find((candidate) => candidate.step === step);
    if (entry === undefined) return null;
    const { gradient, weight, update } = await read(entry);
    if (weight === undefined || update === undefined) return null;
    return entry.lazy.names.map((name, i) => ({
      name,
      gradient: gradient[i],
      weight: weight[i],
      update: update[i],
    }));
  }

  /**
   * The gradients of a step that failed. Behind a loss that is no number they are none either (`lossIsNumber` false): then those of
   * the newest step before it that has any.
   */
  async gradients(
    step: number,
    lossIsNumber: boolean,
  ): Promise<Pick<FailureDetail, 'gradients'> & { at: number | null }> {
    const newestFirst = this.#entries.filter((entry) => entry.step <= step).toReversed();
    const listed = async (entry: Entry): Promise<FailureDetail['gradients']> => {
      // The run has failed; a device that fails, too, tells nothing more.
      const norms = await read(entry).catch(() => null);
      return norms === null ? [] : largestFirst(entry.lazy.names, norms.gradient).slice(0, LISTED);
    };
    for (const entry of newestFirst) {
      if (entry.step === step && !lossIsNumber) continue;
      const gradients = await listed(entry);
      if (gradients.some(({ norm }) => norm > 0)) return { gradients, at: entry.step };
    }
    const own = newestFirst.find((entry) => entry.step === step);
    return own === undefined ? { gradients: [], at: null } : { gradients: await listed(own), at: step };
  }

  dispose(): void {
    for (const { lazy, read: reading } of this.#entries) if (reading === null) lazy.dispose();
    this.#entries = [];
  }
}

/** Once: the tensors are freed by it. */
function read(entry: Entry): Promise<Read> {
  entry.read ??= entry.lazy.read();
  return entry.read;
}

function largestFirst(names: readonly string[], norms: Float32Array): FailureDetail['gradients'] {
  const size = (norm: number): number => (Number.isFinite(norm) ? norm : Infinity);
  const all = names.map((name, i) => ({ name, norm: norms[i] }));
  return all.toSorted((a, b) => (size(a.norm) === size(b.norm) ? 0 : size(b.norm) - size(a.norm)));
}
