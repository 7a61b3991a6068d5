// Names for what a person did not name.

/** 'flowers.zip' -> 'flowers'; a date where there is nothing to go by. */
export function projectNameOf(dropped: string): string {
  const name = dropped.replace(/\.(zip|csv|gz|idx|idx[13]-ubyte)$/i, '').trim();
  if (name !== '') return name;
  return `Images of ${new Date().toLocaleDateString('en-GB', { day: 'numeric', month: 'long' })}`;
}
