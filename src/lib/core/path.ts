// Dotted paths into plain nested data: 'optimizer.betas.0'. Reads and copies; never changes what it was given.

type Container = Readonly<Record<string, unknown>> | readonly unknown[];

/** True for `{}`-like data: not null, not an array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isContainer(value: unknown): value is Container {
  return isObject(value) || Array.isArray(value);
}

/** `joinPath('', 'a')` is 'a', `joinPath('a', 'b')` is 'a.b'. */
export function joinPath(path: string, key: string | number): string {
  return path === '' ? String(key) : `${path}.${key}`;
}

/** The value at a path, or undefined where there is none. Sees own properties only. */
export function getPath(value: unknown, path: string): unknown {
  let found = value;
  for (const key of path === '' ? [] : path.split('.')) {
    if (!isContainer(found) || !Object.hasOwn(found, key)) return undefined;
    found = (found as Readonly<Record<string, unknown>>)[key]; // An array is indexed by the same text.
  }
  return found;
}

/** A copy with one value replaced; objects that are missing on the way are made. The rest is shared with the argument. */
export function setPath(value: unknown, path: string, replacement: unknown): unknown {
  if (path === '') return replacement;
  const dot = path.indexOf('.');
  const key = dot < 0 ? path : path.slice(0, dot);
  const rest = dot < 0 ? '' : path.slice(dot + 1);
  if (Array.isArray(value) && /^\d+$/.test(key) && Number(key) <= value.length) {
    const items: readonly unknown[] = value;
    return [
      ...items.slice(0, Number(key)),
      setPath(items[Number(key)], rest, replacement),
      ...items.slice(Number(key) + 1),
    ];
  }
  const object = isObject(value) ? value : {};
  return { ...object, [key]: setPath(Object.hasOwn(object, key) ? object[key] : undefined, rest, replacement) };
}
