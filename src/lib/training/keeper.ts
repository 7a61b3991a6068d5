// Which checkpoints a moment of a run is worth, made of one copy of the state and stored together. Copies and stores through what it
// is given.

import type { TrainState } from '$lib/engines/contract';
import type { Job } from '$lib/job/job';
import type { CheckpointSlot } from '$lib/storage/records';
import type { RunEvent } from './events';
import type { Verdict } from './judge';
import type { LoopCheckpoint } from './loop';
import type { Saver } from './saver';

export type Kept = Pick<LoopCheckpoint, 'kind' | 'slot'>;

export const BEST: Kept = { kind: 'best', slot: 'best' };
export const LAST: Kept = { kind: 'last', slot: 'last' };

export interface KeeperOptions {
  rules: Job['checkpoints'];
  saver: Saver;
  /** Of earlier phases, for what is told. */
  before: { epochs: number; steps: number };
  /** The whole state at this step boundary. */
  copy(epoch: number): Promise<TrainState>;
  /** What goes with it. */
  describe(): Pick<LoopCheckpoint, 'metrics' | 'position' | 'carried'>;
  save(checkpoints: readonly LoopCheckpoint[], dropped: readonly CheckpointSlot[]): Promise<void>;
  tell(event: Extract<RunEvent, { type: 'checkpoint' }>): void;
}

export class Keeper {
  readonly #options: KeeperOptions;
  /** A best checkpoint that is not stored yet; it goes with the next last one, whose `carried` knows it. */
  #held: LoopCheckpoint | null = null;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Keeps the present state in all of these slots, stored once. Returns the last of them. */
  async save(kinds: readonly Kept[], epoch: number, dropped: readonly CheckpointSlot[] = []): Promise<LoopCheckpoint> {
    const { saver, before, save, tell } = this.#options;
    const checkpoints = await this.#make(kinds, epoch);
    const held = checkpoints.some(({ kind }) => kind === 'best') ? null : this.#held;
    this.#held = null;
    const stored = held === null ? checkpoints : [held, ...checkpoints];
    await saver.write(
      () => save(stored, dropped),
      () => {
        for (const { kind, slot, epoch: of, state } of stored) {
          tell({ type: 'checkpoint', kind, slot, epoch: of, step: before.steps + state.step });
        }
      },
    );
    return checkpoints[checkpoints.length - 1];
  }

  /** As {@link save}, with the last one, which costs nothing then. */
  async saveWithLast(kinds: readonly Kept[], epoch: number, dropped: readonly CheckpointSlot[] = []): Promise<void> {
    const all = this.#options.rules.keep_last ? [...kinds, LAST] : kinds;
    if (all.length > 0) await this.save(all, epoch, dropped);
  }

  /** What a validation, or with `ends` the end of an epoch, is worth keeping. */
  async keep(epoch: number, { best, top, dropped }: Verdict, ends: boolean): Promise<void> {
    const { rules, before, saver } = this.#options;
    const asked: Kept[] = [];
    if (top !== null) asked.push({ kind: 'top', slot: top });
    if (ends && rules.every_epochs > 0 && (epoch - before.epochs) % rules.every_epochs === 0) {
      asked.push({ kind: 'epoch', slot: `epoch-${epoch}` });
    }
    const kinds = [...(best && rules.keep_best ? [BEST] : []), ...asked];
    if (asked.length > 0 || saver.affordable || (kinds.length > 0 && !rules.keep_last)) {
      await this.saveWithLast(kinds, epoch, dropped);
    } else if (kinds.length > 0) {
      // Nothing is lost when the tab is closed before it is stored: the run goes on from a checkpoint before it and finds it again.
      [this.#held] = await this.#make([BEST], epoch);
    }
  }

  async #make(kinds: readonly Kept[], epoch: number): Promise<LoopCheckpoint[]> {
    const state = await this.#options.copy(epoch);
    const described = this.#options.describe();
    return kinds.map((kept) => ({ ...kept, epoch, ...described, state }));
  }
}
