// Finds keys that occur twice in one object of a JSON text. JSON.parse keeps the last of them without a word, so that two readers
// of the same file could see two different models.

/** The first doubled key, or null. `text` must be JSON that JSON.parse takes. */
export function duplicateKey(text: string): string | null {
  // One set of keys for every object that is open; null for arrays.
  const open: (Set<string> | null)[] = [];
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [found, colon] = match;
    if (found === '{') open.push(new Set());
    else if (found === '[') open.push(null);
    else if (found === '}' || found === ']') open.pop();
    else if (colon !== undefined) {
      const key: unknown = JSON.parse(found.slice(0, found.lastIndexOf('"') + 1));
      const keys = open.at(-1);
      if (typeof key !== 'string' || keys == null) continue;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return null;
}
