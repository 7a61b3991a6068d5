// Finds a model's tensors among a Keras model's variables: by the plugin's own table, by equal layer names, or by order.

import type { WeightsMapping } from '$lib/models/contract';
import type { TensorEntry } from '../contract';
import { matchKerasByOrder, roleOfKeras } from './by-order';
import type { Matched } from './matched';
import type { Wanted } from './model-side';

export function matchKeras(
  wanted: readonly Wanted[],
  entries: readonly TensorEntry[],
  mapping: WeightsMapping | null,
): Matched {
  const find = finder(entries);
  const mapped = new Map<string, TensorEntry>();
  const alike = new Map<string, TensorEntry>();
  for (const { name, layer, role } of wanted) {
    const variable = mapping?.keras?.(name) ?? null;
    const entry = variable === null ? null : find(variable);
    if (entry !== null) mapped.set(name, entry);
    // A network that was imported from Keras keeps the names of its layers.
    const own = entries.find(
      (candidate) => candidate.name.startsWith(`${layer}/`) && roleOfKeras(candidate.name) === role,
    );
    if (own !== undefined) alike.set(name, own);
  }
  const tensors = mapped.size >= alike.size ? mapped : alike;
  const named = { tensors, layout: 'keras', notes: [] } as const;
  const backbone = wanted.filter((parameter) => parameter.backbone);
  if (2 * backbone.filter(({ name }) => tensors.has(name)).length >= backbone.length) return named;
  return matchKerasByOrder(wanted, entries) ?? named;
}

/** By a variable's whole name, or by its end when a model's or layer group's name stands before it. */
function finder(entries: readonly TensorEntry[]): (variable: string) => TensorEntry | null {
  const plain = (name: string): string => name.replace(/:0$/, '');
  const whole = new Map(entries.map((entry) => [plain(entry.name), entry]));
  return (variable) => {
    const exact = whole.get(variable);
    if (exact !== undefined) return exact;
    const [entry, ...others] = entries.filter(({ name }) => plain(name).endsWith(`/${variable}`));
    return entry === undefined || others.length > 0 ? null : entry;
  };
}
