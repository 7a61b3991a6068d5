// docs/models.md holds two tables made from the registry; this keeps them equal. UPDATE_DOCS=1 writes them.
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatBytes } from '$lib/core/format';
import { MODELS } from '$lib/models/registry';

const PATH = new URL('../../../docs/models.md', import.meta.url);

const TABLES: Readonly<Record<string, () => string[][]>> = {
  models: () => [
    ['model', 'parameters (10 classes)', 'GFLOP per image', 'at', 'smallest', 'memory', 'equals'],
    ...MODELS.map(({ meta }) => [
      `\`${meta.id}\``,
      meta.parameters.toLocaleString('en-US'),
      (meta.flops / 1e9).toFixed(2),
      `${meta.recommended.imageSize} px`,
      `${meta.minimumSize}${meta.sizeMultiple === 1 ? '' : `, multiples of ${meta.sizeMultiple}`}`,
      formatBytes(meta.minimumMemory),
      meta.source,
    ]),
  ],
  weights: () => [
    ['weights', 'trained on', 'licence', 'file', 'images'],
    ...MODELS.flatMap(({ meta }) =>
      meta.pretrained.map((weights) => [
        `\`${weights.name}\``,
        weights.data,
        weights.licence,
        formatBytes(weights.bytes),
        `${weights.imageSize} px, ${weights.interpolation}`,
      ]),
    ),
  ],
};

describe('docs/models.md', () => {
  it.each(Object.entries(TABLES))('lists all %s of the registry', (name, rows) => {
    const begin = `<!-- ${name}: made from the registry by tests/unit/docs/models.test.ts -->`;
    const end = `<!-- end of ${name} -->`;
    const text = readFileSync(PATH, 'utf8');
    expect(text).toContain(begin);
    const before = text.slice(0, text.indexOf(begin));
    const after = text.slice(text.indexOf(end));
    const expected = `${before}${begin}\n\n${table(rows())}\n\n${after}`;
    if (process.env.UPDATE_DOCS === '1') writeFileSync(PATH, expected);
    else expect(unpadded(text)).toBe(unpadded(expected));
  });

  it('names a paper or an origin for every model', () => {
    const text = readFileSync(PATH, 'utf8');
    const unnamed = MODELS.filter(({ meta }) => meta.paper !== undefined && !text.includes(meta.paper.url));
    expect(unnamed.map(({ meta }) => meta.id)).toEqual([]);
  });
});

function table([head, ...rows]: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The formatter pads the table's cells. */
function unpadded(text: string): string {
  return text.replaceAll(/ {2,}/g, ' ').replaceAll(/-{3,}/g, '---');
}
