// Edits of a data set: each makes a new version from an older one and changes nothing that is there.

import { classesOf, mapClasses } from '$lib/core/annotations';
import { TrainyardError } from '$lib/core/errors';
import { formatPercent, formatPlural } from '$lib/core/format';
import { addVersion, getVersionWithChannels, listVersions } from '$lib/storage/datasets';
import type { ClassInfo, DatasetVersionRecord, Item, SplitSettings } from '$lib/storage/records';
import type { Database } from '$lib/storage/schema';
import { listNames } from './files';
import { makeSplit } from './split';
import { computeStatistics, refreshProblems, selectMoments } from './statistics';

export { setHead } from '$lib/storage/datasets';

/** The same images, divided anew. */
export async function resplit(
  database: Database,
  versionId: string,
  settings: SplitSettings,
): Promise<DatasetVersionRecord> {
  return edit(database, versionId, ({ items, classes }) => {
    const result = makeSplit(items, settings);
    const { train, val, test } = result.counts;
    return {
      items: items.map((item, i) => ({ ...item, split: result.splits[i] })),
      classes,
      split: result.settings,
      change:
        result.settings.source === 'folders'
          ? `Split by folders: ${train} / ${val} / ${test}`
          : `Split ${[train, val, test].map((count) => formatPercent(count / items.length, 0).replace(' %', '')).join(' / ')}`,
    };
  });
}

/** `names[i]` is the new name of class i; classes that get the same name become one, at the place of the first. */
export async function renameClasses(
  database: Database,
  versionId: string,
  names: readonly string[],
): Promise<DatasetVersionRecord> {
  return edit(database, versionId, ({ items, classes, split }) => {
    if (names.length !== classes.length) {
      throw new TrainyardError(
        'class-names',
        `${formatPlural(names.length, 'name')} were given for ${formatPlural(classes.length, 'class', 'classes')}.`,
        'Give one for each.',
      );
    }
    const trimmed = names.map((name) => name.trim().normalize('NFC'));
    const empty = trimmed.indexOf('');
    if (empty >= 0) {
      throw new TrainyardError(
        'class-names',
        `Class "${classes[empty].name}" was given an empty name.`,
        'Type a name.',
      );
    }
    const merged = [...new Set(trimmed)];
    requireClasses(merged, items);
    const changed = classes.flatMap(({ name }, i) => (name === trimmed[i] ? [] : [`"${name}" to "${trimmed[i]}"`]));
    return {
      items: items.map((item) => ({
        ...item,
        annotation: mapClasses(item.annotation, (i) => merged.indexOf(trimmed[i])),
      })),
      classes: merged.map((name): ClassInfo => ({ ...classes[trimmed.indexOf(name)], name })),
      split,
      change: changed.length === 0 ? 'Renamed nothing' : `Renamed ${changed.join(', ')}`,
    };
  });
}

/** Without those images. A class that loses its last image goes too. Throws 'path-missing' for a path that is not there. */
export async function exclude(
  database: Database,
  versionId: string,
  paths: readonly string[],
): Promise<DatasetVersionRecord> {
  return edit(database, versionId, ({ items, classes, split }) => {
    const excluded = new Set(paths);
    const known = new Set(items.map(({ path }) => path));
    const unknown = paths.filter((path) => !known.has(path));
    if (unknown.length > 0) {
      throw new TrainyardError(
        'path-missing',
        `${listNames(unknown, 3)} ${unknown.length === 1 ? 'is' : 'are'} not in this version of the data set.`,
        'Reload the page; it may have been edited in another tab.',
      );
    }
    const kept = items.filter(({ path }) => !excluded.has(path));
    const used = new Set(kept.flatMap(({ annotation }) => classesOf(annotation)));
    const left = classes.map((_, i) => i).filter((i) => used.has(i));
    requireClasses(
      left.map((i) => classes[i].name),
      kept,
    );
    return {
      items: kept.map((item) => ({ ...item, annotation: mapClasses(item.annotation, (i) => left.indexOf(i)) })),
      classes: left.map((i) => classes[i]),
      split,
      change: `Excluded ${paths.length === 1 ? `"${paths[0]}"` : formatPlural(excluded.size, 'image')}`,
    };
  });
}

type Edit = Pick<DatasetVersionRecord, 'classes' | 'split' | 'change'> & { items: readonly Item[] };

async function edit(
  database: Database,
  versionId: string,
  make: (version: DatasetVersionRecord) => Edit,
): Promise<DatasetVersionRecord> {
  const { version: old, channels } = await getVersionWithChannels(database, versionId);
  const changed = make(old);
  const [newest] = await listVersions(database, old.datasetId);
  const rows = new Map(old.items.map(({ path }, i) => [path, i]));
  const selected = selectMoments(
    channels,
    changed.items.map(({ path }) => rows.get(path) ?? 0),
  );
  const version: DatasetVersionRecord = {
    ...old,
    ...changed,
    id: crypto.randomUUID(),
    number: newest.number + 1,
    createdAt: Date.now(),
    parentId: old.id,
    statistics: computeStatistics(changed.items, selected),
    problems: refreshProblems({ ...old, ...changed }),
  };
  await addVersion(database, version, selected);
  return version;
}

/** A class that only some images have can be learnt without another one. */
function requireClasses(names: readonly string[], items: readonly Item[]): void {
  const several = items[0]?.annotation.kind === 'classes';
  if (names.length >= (several ? 1 : 2)) return;
  throw new TrainyardError(
    'one-class',
    names.length === 0 ? 'This would leave no image with a class.' : `This would leave one class, "${names[0]}".`,
    'A classifier needs two or more classes; nothing was changed.',
  );
}
