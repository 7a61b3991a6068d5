// How a checkpoint is called where one is chosen.
import { formatCount } from '$lib/core/format';
import type { CheckpointSummary } from '$lib/storage/schema';

/** 'Best, epoch 12'; 'Epoch 12, among the best'; 'Saved at step 3,400'. */
export function checkpointTitle({ kind, slot, epoch }: Pick<CheckpointSummary, 'kind' | 'slot' | 'epoch'>): string {
  switch (kind) {
    case 'best':
      return `Best, epoch ${epoch}`;
    case 'last':
      return `Last, epoch ${epoch}`;
    case 'epoch':
      return `Epoch ${epoch}`;
    case 'top':
      return `Epoch ${epoch}, among the best`;
    case 'saved': {
      const [, step] = /^saved-(\d+)$/.exec(slot) ?? [];
      return step === undefined ? slot : `Saved at step ${formatCount(Number(step))}`;
    }
    default:
      return kind satisfies never;
  }
}
