// Cuts a schema into the sections that a form shows. Pure, so that what is hidden, found and marked can be tested.
import type { Field, Fields, Problem } from '$lib/core/schema';
import { getPath, isObject, joinPath } from '$lib/core/path';
import { isVisible } from '$lib/core/validate';

export type Leaf = Exclude<Field, { type: 'object' }>;

export interface FormField {
  /** Dotted, from the form's root. */
  path: string;
  field: Leaf;
}

/** Fields of one object of the schema. */
export interface Part {
  path: string;
  /** '' where the section's title says it. */
  title: string;
  help: string;
  fields: FormField[];
}

export interface Section {
  id: string;
  /** '' for fields that stand alone, before all sections. */
  title: string;
  parts: Part[];
}

export interface Shown {
  advanced: boolean;
  /** Words that a field's title, help, path or options must all contain; then advanced fields are shown as well. */
  words?: string;
  /** Given, only fields that differ from it are shown, advanced or not. */
  base?: unknown;
}

/**
 * Sections in the order of the schema: one for each `group`, and one for each object without one. Objects are parts of their
 * section, deeper ones too. Only fields that the values and `shown` let through; a section of none is left out.
 */
export function sectionsOf(fields: Fields, value: unknown, shown: Shown): Section[] {
  const sections = new Map<string, Section>();
  const sectionOf = (title: string, id: string): Section => {
    const section = sections.get(id) ?? { id, title, parts: [] };
    sections.set(id, section);
    return section;
  };
  const lets = filterOf(value, shown);
  const [visible, siblings] = [everyField(shown), siblingsAt(value, '')];
  for (const [name, field] of Object.entries(fields)) {
    if (!isVisible(field, siblings)) continue;
    const title = field.group ?? (field.type === 'object' ? field.title : '');
    const section = sectionOf(title, field.group ?? (field.type === 'object' ? name : ''));
    if (field.type === 'object') collect(field, name, section, value, visible || !field.advanced, lets, shown);
    else if ((visible || !field.advanced) && lets(name, field)) own(section).fields.push({ path: name, field });
  }
  const filled = [...sections.values()].map((section) => ({
    ...section,
    parts: section.parts.filter((part) => part.fields.length > 0),
  }));
  return filled.filter(({ parts }) => parts.length > 0);
}

/** All fields of a section, whatever part they are in. */
export function fieldsOf(section: Section): FormField[] {
  return section.parts.flatMap((part) => part.fields);
}

/**
 * The parts of a section as they are laid out: a part that its first field names already needs no heading, and parts without one that
 * follow each other are one block.
 */
export function blocksOf(section: Section): Part[] {
  const blocks: Part[] = [];
  for (const part of section.parts) {
    const named = section.parts.length === 1 || part.title === part.fields[0].field.title;
    const block = named ? { ...part, title: '' } : part;
    const last = blocks.at(-1);
    if (block.title === '' && last?.title === '')
      blocks[blocks.length - 1] = { ...last, fields: [...last.fields, ...block.fields] };
    else blocks.push(block);
  }
  return blocks;
}

/** The part of fields that stand in the section by themselves, such as the seed. */
function own(section: Section): Part {
  const found = section.parts.find(({ path }) => path === '');
  if (found) return found;
  const part = { path: '', title: '', help: '', fields: [] };
  section.parts.push(part);
  return part;
}

function collect(
  object: Extract<Field, { type: 'object' }>,
  path: string,
  section: Section,
  value: unknown,
  visible: boolean,
  lets: (path: string, field: Leaf) => boolean,
  shown: Shown,
): void {
  if (!visible) return;
  const part: Part = { path, title: object.title === section.title ? '' : object.title, help: object.help, fields: [] };
  // Before the parts of nested objects.
  section.parts.push(part);
  const siblings = siblingsAt(value, path);
  for (const [name, field] of Object.entries(object.fields)) {
    const may = everyField(shown) || !field.advanced;
    if (!isVisible(field, siblings)) continue;
    const at = joinPath(path, name);
    if (field.type === 'object') collect(field, at, section, value, may, lets, shown);
    else if (may && lets(at, field)) part.fields.push({ path: at, field });
  }
}

function siblingsAt(value: unknown, path: string): Readonly<Record<string, unknown>> {
  const here = getPath(value, path);
  return isObject(here) ? here : {};
}

/** What is looked for is shown wherever it is. */
function everyField({ advanced, words = '', base }: Shown): boolean {
  return advanced || words.trim() !== '' || base !== undefined;
}

function filterOf(value: unknown, { words = '', base }: Shown): (path: string, field: Leaf) => boolean {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return (path, field) => {
    if (base !== undefined && !isChanged(value, base, path)) return false;
    if (wanted.length === 0) return true;
    const options = field.type === 'choice' ? field.options.flatMap(({ value: id, title }) => [id, title]) : [];
    const text = [path, field.title, field.help, field.group ?? '', ...options].join(' ').toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
}

/** How many fields are hidden only because they are advanced. */
export function hiddenCount(fields: Fields, value: unknown): number {
  const total = (advanced: boolean) =>
    sectionsOf(fields, value, { advanced }).reduce((sum, section) => sum + fieldsOf(section).length, 0);
  return total(true) - total(false);
}

/** The first problem of each field, by path; a problem deeper inside (an item of a list) counts for its field. */
export function errorsOf(problems: readonly Problem[], path: string): string | undefined {
  return problems.find((problem) => problem.path === path || problem.path.startsWith(`${path}.`))?.message;
}

export function isChanged(value: unknown, base: unknown, path: string): boolean {
  return JSON.stringify(getPath(value, path)) !== JSON.stringify(getPath(base, path));
}
