// Finds a model's tensors by PyTorch's names, whatever they are nested in: 'state_dict.module.conv1.weight' for 'conv1.weight'.

import type { TensorEntry } from '../contract';
import type { Matched } from './matched';
import type { Wanted } from './model-side';
import { sameShape } from './model-side';

/** What a prefix must have in order to be taken before another that fits as well. timm, too, prefers averaged weights. */
const PREFERRED = [/ema/, /^state_dict\./, /^model/];

interface Candidate {
  prefix: string;
  /** Tensors with name and shape of one of the backbone's. */
  fits: number;
  /** Tensors with one of the model's names. */
  named: number;
}

/** By the prefix under which the most of the model is. */
export function matchByName(wanted: readonly Wanted[], entries: readonly TensorEntry[]): Matched {
  const prefix = bestPrefix(wanted, entries);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const tensors = new Map<string, TensorEntry>();
  for (const { name } of wanted) {
    const entry = byName.get(prefix + name);
    if (entry !== undefined) tensors.set(name, entry);
  }
  const notes = prefix === '' ? [] : [`Names in the file begin with "${prefix}".`];
  return { tensors, layout: 'torch', notes };
}

function bestPrefix(wanted: readonly Wanted[], entries: readonly TensorEntry[]): string {
  const byName = new Map(wanted.map((parameter) => [parameter.name, parameter]));
  const candidates = new Map<string, Candidate>();
  for (const { name, shape } of entries) {
    for (let at = 0; at >= 0; at = nextPart(name, at)) {
      const parameter = byName.get(name.slice(at));
      if (parameter === undefined) continue;
      const prefix = name.slice(0, at);
      const candidate = candidates.get(prefix) ?? { prefix, fits: 0, named: 0 };
      candidates.set(prefix, candidate);
      candidate.named++;
      if (parameter.backbone && sameShape(parameter.shape, shape)) candidate.fits++;
    }
  }
  const rank = ({ prefix }: Candidate): number => {
    const index = PREFERRED.findIndex((pattern) => pattern.test(prefix));
    return index < 0 ? PREFERRED.length : index;
  };
  const [best] = [...candidates.values()].sort((a, b) => b.fits - a.fits || b.named - a.named || rank(a) - rank(b));
  return best?.prefix ?? '';
}

/** Where the part of the name behind the next dot begins, or -1. */
function nextPart(name: string, from: number): number {
  const dot = name.indexOf('.', from);
  return dot < 0 ? -1 : dot + 1;
}
