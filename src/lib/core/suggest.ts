// "Did you mean": the known name nearest to one that is not known.
import { closest, distance } from 'fastest-levenshtein';

/** The nearest candidate, or null when none is near enough to be a likely slip of the keyboard. */
export function suggest(name: string, candidates: readonly string[]): string | null {
  if (candidates.length === 0) return null;
  const wanted = name.toLowerCase();
  const lower = candidates.map((candidate) => candidate.toLowerCase());
  // 'lr', 'wd', 'bs': the first letters of the words.
  const short = lower.findIndex((candidate) => candidate.includes('_') && initials(candidate) === wanted);
  if (short >= 0) return candidates[short];
  const nearest = closest(wanted, lower);
  // A third of the letters, at least two: 'lerning_rate' finds 'learning_rate', 'foo' does not find 'seed'.
  const limit = Math.max(2, Math.floor(Math.max(wanted.length, nearest.length) / 3));
  if (distance(wanted, nearest) > Math.min(limit, wanted.length - 1)) return null;
  return candidates[lower.indexOf(nearest)];
}

function initials(name: string): string {
  return name
    .split('_')
    .map((word) => word.slice(0, 1))
    .join('');
}

/** Second half of a sentence about an unknown name: `did you mean "x"?` or the list of what is known. */
export function didYouMean(name: string, candidates: readonly string[]): string {
  const nearest = suggest(name, candidates);
  if (nearest !== null) return `did you mean "${nearest}"?`;
  if (candidates.length === 0) return 'nothing is known here.';
  const shown = candidates.slice(0, 20).join(', ');
  return candidates.length > 20 ? `known are ${shown} and ${candidates.length - 20} more.` : `known: ${shown}.`;
}
