// Files that the command line gives this page through its two file inputs. Knows paths, not what they are for.

import { TrainyardError } from '$lib/core/errors';

export interface GivenFile {
  /** '/' between parts; begins with the prefix that the command line chose. */
  path: string;
  file: File;
}

/** Collects what is picked. `take` moves the last pick into the collection. */
export function createInputs(elements: readonly HTMLInputElement[]) {
  const given: GivenFile[] = [];

  return {
    /** Forgets everything that was given. */
    clear(): void {
      given.length = 0;
    },
    /** Forgets the pick before the next one. */
    next(): void {
      for (const element of elements) element.value = '';
    },
    /** `name` is the picked folder's or file's own name; a folder's files lose it and get the prefix instead. */
    take(prefix: string, name: string): void {
      const picked = elements.flatMap((element) => [...(element.files ?? [])]);
      for (const file of picked) {
        const inFolder = file.webkitRelativePath.startsWith(`${name}/`);
        const path = inFolder ? file.webkitRelativePath.slice(name.length + 1) : file.name;
        // A file given under a full name of its own ('images/photos/cat.jpg') keeps that name.
        const own = !inFolder && prefix.startsWith('images/');
        given.push({ path: own ? prefix : prefix === '' ? path : `${prefix}/${path}`, file });
      }
    },
    /** All files under the prefix, which is cut off. */
    under(prefix: string): GivenFile[] {
      const start = `${prefix}/`;
      return prefix === ''
        ? [...given]
        : given
            .filter(({ path }) => path.startsWith(start))
            .map(({ path, file }) => ({ path: path.slice(start.length), file }));
    },
    /** The single file under the prefix. */
    one(prefix: string): File | null {
      return this.under(prefix)[0]?.file ?? null;
    },
    need(prefix: string, what: string): File {
      const file = this.one(prefix);
      if (file === null) throw new TrainyardError('input-missing', `${what} was not given.`, '', { badInput: false });
      return file;
    },
  };
}

export type Inputs = ReturnType<typeof createInputs>;
