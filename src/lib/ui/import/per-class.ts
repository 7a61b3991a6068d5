// Files chosen class by class, as the folder per class that the importer knows. Pure.
import type { DroppedFile } from '../drop';

export interface ClassFiles {
  name: string;
  files: readonly File[];
}

/** Paths 'class/file'; a name that occurs twice in a class gets a number, so that no file stands for another. */
export function filesPerClass(classes: readonly ClassFiles[]): DroppedFile[] {
  const used = new Set<string>();
  const files: DroppedFile[] = [];
  for (const { name, files: chosen } of classes) {
    for (const file of chosen) {
      const dot = file.name.lastIndexOf('.');
      const [stem, extension] = dot > 0 ? [file.name.slice(0, dot), file.name.slice(dot)] : [file.name, ''];
      // A slash would make a folder of its own.
      const folder = name.trim().replaceAll('/', '-');
      let path = `${folder}/${file.name}`;
      for (let copy = 2; used.has(path); copy++) path = `${folder}/${stem}-${copy}${extension}`;
      used.add(path);
      files.push({ path, file });
    }
  }
  return files;
}

/** Why these cannot be imported yet, as one sentence; null when they can. */
export function problemOf(classes: readonly ClassFiles[]): string | null {
  const filled = classes.filter(({ name, files }) => name.trim() !== '' || files.length > 0);
  const unnamed = filled.find(({ name }) => name.trim() === '');
  if (unnamed) return `Name the class of the ${unnamed.files.length} chosen files.`;
  const names = filled.map(({ name }) => name.trim().toLowerCase());
  const twice = filled.find(({ name }, index) => names.indexOf(name.trim().toLowerCase()) !== index);
  if (twice) return `Two classes are named "${twice.name.trim()}"; give one another name.`;
  const empty = filled.find(({ files }) => files.length === 0);
  if (empty) return `Choose images for "${empty.name.trim()}".`;
  if (filled.length < 2) return 'Name at least two classes and choose images for each.';
  return null;
}
