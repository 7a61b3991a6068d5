// Which theme is in force, and when it changes. What draws outside CSS (a canvas) needs to be told.

export type Theme = 'system' | 'light' | 'dark';

/** Calls back when the theme in force may have changed. Returns the function that ends it. */
export function onThemeChange(callback: () => void): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const observer = new MutationObserver(callback);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  system.addEventListener('change', callback);
  return () => {
    observer.disconnect();
    system.removeEventListener('change', callback);
  };
}
