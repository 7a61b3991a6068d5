// Which models stand for their siblings where a test is expensive: those share every block and differ in sizes alone.

import type { ModelMeta } from '$lib/models/contract';

/** 'mobilenetv2' of mobilenetv2_050, 'vit' of vit_tiny_patch16_224. */
export function familyOf(id: string): string {
  return /^[a-z]+(v\d)?/.exec(id)?.[0] ?? id;
}

/** The id of the smallest model of each family. */
export function smallestOfFamilies(models: readonly ModelMeta[]): ReadonlySet<string> {
  const smallest = new Map<string, ModelMeta>();
  for (const meta of models) {
    const family = familyOf(meta.id);
    const known = smallest.get(family);
    if (known === undefined || meta.parameters < known.parameters) smallest.set(family, meta);
  }
  return new Set([...smallest.values()].map(({ id }) => id));
}
