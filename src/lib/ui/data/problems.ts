// What is wrong with a data set, in words, most pressing first. Pure.
import { formatPlural } from '$lib/core/format';
import type { DataProblem } from '$lib/storage/records';

export type ProblemGroupId = 'conflict' | 'leak' | 'unreadable' | 'small-class' | 'duplicate' | 'skipped';

export interface ProblemGroup {
  id: ProblemGroupId;
  /** 'warn' asks for a decision, 'info' is only told. */
  tone: 'warn' | 'info';
  title: string;
  /** One sentence: what there is. */
  text: string;
  /** Why it matters and what to do. */
  advice: string;
  problems: readonly DataProblem[];
}

export function groupOf(problem: DataProblem): ProblemGroupId {
  if (problem.kind !== 'duplicate') return problem.kind;
  if (!problem.sameLabel) return 'conflict';
  return problem.acrossSplits ? 'leak' : 'duplicate';
}

export function groupProblems(problems: readonly DataProblem[]): ProblemGroup[] {
  const groups: Partial<Record<ProblemGroupId, DataProblem[]>> = {};
  for (const problem of problems) (groups[groupOf(problem)] ??= []).push(problem);
  const many = (id: ProblemGroupId) => groups[id]?.length ?? 0;
  const all: Omit<ProblemGroup, 'problems'>[] = [
    {
      id: 'conflict',
      tone: 'warn',
      title: 'Same image, different labels',
      text: `${formatPlural(many('conflict'), 'image')} ${many('conflict') === 1 ? 'has' : 'have'} more than one label.`,
      advice: 'No model can be right about both. Keep the copy with the right label and exclude the other.',
    },
    {
      id: 'leak',
      tone: 'warn',
      title: 'Same image in two splits',
      text: `${formatPlural(many('leak'), 'image')} ${many('leak') === 1 ? 'is' : 'are'} in more than one split.`,
      advice:
        'The model is tested on what it learned by heart, so the result looks better than it is. Exclude the copies.',
    },
    {
      id: 'unreadable',
      tone: 'warn',
      title: 'Files that could not be read',
      text: `${formatPlural(many('unreadable'), 'file')} could not be read and ${many('unreadable') === 1 ? 'is' : 'are'} not part of the data set.`,
      advice: 'Save them again as JPEG or PNG and import once more if you need them.',
    },
    {
      id: 'small-class',
      tone: 'warn',
      title: 'Classes with few images',
      text: `${formatPlural(many('small-class'), 'class has', 'classes have')} few images.`,
      advice: 'Add images or merge the class with another; results for it will be rough.',
    },
    {
      id: 'duplicate',
      tone: 'info',
      title: 'Copies within a split',
      text: `${formatPlural(many('duplicate'), 'image')} ${many('duplicate') === 1 ? 'occurs' : 'occur'} more than once.`,
      advice: 'Copies count double in training. They do no harm to the test.',
    },
    {
      id: 'skipped',
      tone: 'info',
      title: 'Files that were left out',
      text: `${formatPlural(many('skipped'), 'file')} ${many('skipped') === 1 ? 'was' : 'were'} left out on purpose.`,
      advice: 'Nothing to do unless an image is among them.',
    },
  ];
  return all.filter(({ id }) => many(id) > 0).map((group) => ({ ...group, problems: groups[group.id] ?? [] }));
}

/** The paths of images in the data set that a problem is about. */
export function pathsOf(problem: DataProblem): readonly string[] {
  return problem.kind === 'duplicate' ? problem.paths : [];
}
