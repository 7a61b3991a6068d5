// Spells values in Python.

export type PythonValue = number | string | boolean | null | readonly PythonValue[];

/** JSON's texts are Python's; lists become tuples. */
export function python(value: PythonValue): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number' || typeof value === 'string') return JSON.stringify(value);
  return value.length === 1 ? `(${python(value[0])},)` : `(${value.map(python).join(', ')})`;
}
