// Norms of a run by layer, as bounded columns. Knows no chart.
import type { LayerNorm } from '$lib/training/events';
import { StepColumns } from './step-columns';

/** 200 layers of 512 rows are 5 MB; a chart of norms has fewer pixels than that at its right end. */
const ROWS = 512;

type Column = 'step' | 'epoch' | 'seconds' | 'weight' | 'gradient' | 'update';

/** What is drawn of them: `ratio` is update over weight. */
export type NormKind = 'weight' | 'gradient' | 'ratio';

export class NormColumns {
  readonly #layers = new Map<string, StepColumns<Column>>();

  /** In the order of the network. */
  get names(): string[] {
    return [...this.#layers.keys()];
  }

  add(at: Readonly<Record<'step' | 'epoch' | 'seconds', number>>, layers: readonly LayerNorm[]): void {
    for (const { name, weight, gradient, update } of layers) {
      const columns = this.#layers.get(name) ?? newColumns();
      this.#layers.set(name, columns);
      columns.add({ ...at, weight, gradient, update });
    }
  }

  forgetAfter(step: number): void {
    for (const columns of this.#layers.values()) columns.forgetAfter('step', step);
  }

  /** A layer's curve. A ratio to a weight of zero, and what is no finite number, is a gap. */
  curve(
    name: string,
    kind: NormKind,
    axis: 'step' | 'epoch' | 'seconds' = 'epoch',
  ): { x: number[]; y: (number | null)[] } {
    const columns = this.#layers.get(name);
    if (columns === undefined) return { x: [], y: [] };
    const values = columns.values(kind === 'ratio' ? 'update' : kind);
    const weights = kind === 'ratio' ? columns.values('weight') : null;
    const y = values.map((value, row) => finite(weights === null ? value : value / weights[row]));
    return { x: columns.values(axis), y };
  }

  /** The newest value of each layer, the largest first. */
  newest(kind: NormKind): { name: string; value: number }[] {
    return this.names
      .map((name) => ({ name, value: this.curve(name, kind).y.at(-1) ?? 0 }))
      .sort((a, b) => b.value - a.value);
  }
}

function newColumns(): StepColumns<Column> {
  const merge = {
    step: 'last',
    epoch: 'last',
    seconds: 'last',
    weight: 'mean',
    gradient: 'mean',
    update: 'mean',
  } as const;
  return new StepColumns<Column>(merge, ROWS);
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
