// Small choices that outlive the page (theme, device). Where the browser refuses storage they last as long as the page.

export function readPreference<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
  try {
    const kept = localStorage.getItem(`trainyard:${name}`);
    return allowed.find((value) => value === kept) ?? fallback;
  } catch {
    return fallback;
  }
}

export function writePreference(name: string, value: string): void {
  try {
    localStorage.setItem(`trainyard:${name}`, value);
  } catch {
    // The choice holds for this page; there is nothing to tell.
  }
}
