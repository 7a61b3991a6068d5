// Which model a file's weights were made for, as far as names and shapes tell. Only for the message of a refusal: it builds every
// registered model.

import type { ModelMeta } from '$lib/models/contract';
import { buildModel } from '$lib/models/build';
import { MODELS } from '$lib/models/registry';
import type { TensorEntry } from '../contract';
import { matchByName } from './by-name';
import { sameShape, wantedBy } from './model-side';

/** Siblings share many tensors; fewer than these mean nothing. */
const LEAST_SHARE = 0.8;

/**
 * The model whose backbone fits best; null where none fits well, or not better than `than`, the share of the one that was tried. Only weights
 * with PyTorch's names are looked at.
 */
export async function guessModel(entries: readonly TensorEntry[], than = 0): Promise<ModelMeta | null> {
  let best: { meta: ModelMeta; share: number } | null = null;
  for (const { meta } of MODELS) {
    const size = meta.recommended.imageSize;
    const graph = await buildModel(meta.id, { config: {}, imageSize: [size, size], classes: 2 });
    const wanted = wantedBy(graph).filter(({ backbone }) => backbone);
    const { tensors } = matchByName(wanted, entries);
    const fits = wanted.filter(({ name, shape }) => sameShape(tensors.get(name)?.shape ?? [-1], shape)).length;
    const share = fits / wanted.length;
    // Of two that fit as well the larger: a shallower sibling has its tensors as a part.
    if (share > than && share >= LEAST_SHARE && share >= (best?.share ?? 0)) best = { meta, share };
  }
  return best?.meta ?? null;
}
