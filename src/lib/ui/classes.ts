// Joins class names; the falsy ones are left out. Not a merger of conflicting utilities: a component decides its own look.
export function classes(...names: (string | false | null | undefined)[]): string {
  return names.filter(Boolean).join(' ');
}
