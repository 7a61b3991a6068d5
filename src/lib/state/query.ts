// The query part of a hash address ('#/project/1/data?class=cat'): what a screen shows is in the address, so reload and back work.
import { goto } from '$app/navigation';

/** The parameters of an address such as page.url. */
export function queryOf(url: URL): URLSearchParams {
  const [, query = ''] = url.hash.split('?');
  return new URLSearchParams(query);
}

/** Sets (null or '' removes) parameters of the current address without a new entry in the history. */
export async function setQuery(url: URL, changes: Readonly<Record<string, string | null>>): Promise<void> {
  const query = queryOf(url);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') query.delete(name);
    else query.set(name, value);
  }
  const [path] = url.hash.split('?');
  const text = query.toString();
  await goto(text === '' ? path : `${path}?${text}`, { replaceState: true, keepFocus: true, noScroll: true });
}
