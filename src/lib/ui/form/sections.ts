// Cuts a schema into the sections that a form shows. Pure, so that what is hidden and what is marked can be tested.
import type { Field, Fields, Problem } from '$lib/core/schema';
import { getPath, joinPath } from '$lib/core/path';
import { isVisible } from '$lib/core/validate';

export type Leaf = Exclude<Field, { type: 'object' }>;

export interface FormField {
  /** Dotted, from the form's root. */
  path: string;
  field: Leaf;
}

export interface Section {
  id: string;
  /** '' for fields that stand alone, before all sections. */
  title: string;
  help: string;
  fields: FormField[];
}

/**
 * Sections in the order of the schema: one per nested object (deeper ones titled 'Outer: inner') and one per `group`.
 * Only fields that the values and `advanced` let through.
 */
export function sectionsOf(fields: Fields, value: unknown, advanced: boolean): Section[] {
  const sections = new Map<string, Section>();
  collect(fields, '', { id: '', title: '', help: '' }, value, advanced, sections);
  return [...sections.values()].filter((section) => section.fields.length > 0);
}

function collect(
  fields: Fields,
  path: string,
  home: Omit<Section, 'fields'>,
  value: unknown,
  advanced: boolean,
  sections: Map<string, Section>,
): void {
  const here = getPath(value, path);
  const siblings = typeof here === 'object' && here !== null ? Object.fromEntries(Object.entries(here)) : {};
  const into = (section: Omit<Section, 'fields'>): Section => {
    const found = sections.get(section.id) ?? { ...section, fields: [] };
    sections.set(section.id, found);
    return found;
  };
  // Reserves the place of the section before those of nested objects.
  into(home);
  for (const [name, field] of Object.entries(fields)) {
    if ((field.advanced && !advanced) || !isVisible(field, siblings)) continue;
    const at = joinPath(path, name);
    if (field.type === 'object') {
      const title = home.title === '' ? field.title : `${home.title}: ${field.title.toLowerCase()}`;
      collect(field.fields, at, { id: at, title, help: field.help }, value, advanced, sections);
    } else {
      const section = field.group === undefined ? home : { id: `${path}#${field.group}`, title: field.group, help: '' };
      into(section).fields.push({ path: at, field });
    }
  }
}

/** How many fields are hidden only because they are advanced. */
export function hiddenCount(fields: Fields, value: unknown): number {
  const total = (advanced: boolean) =>
    sectionsOf(fields, value, advanced).reduce((sum, section) => sum + section.fields.length, 0);
  return total(true) - total(false);
}

/** The first problem of each field, by path; a problem deeper inside (an item of a list) counts for its field. */
export function errorsOf(problems: readonly Problem[], path: string): string | undefined {
  return problems.find((problem) => problem.path === path || problem.path.startsWith(`${path}.`))?.message;
}

export function isChanged(value: unknown, base: unknown, path: string): boolean {
  return JSON.stringify(getPath(value, path)) !== JSON.stringify(getPath(base, path));
}
