// Finds and reads the reference vectors that trusted libraries computed; GOLDEN_DIR replaces the copy in tests/fixtures/golden.
// Node only. What a file holds is its own affair: the test that reads it states the shape.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Path of a golden file: `goldenFile('resize.json')`. */
export function goldenFile(name: string): string {
  return join(process.env.GOLDEN_DIR ?? join(import.meta.dirname, 'fixtures', 'golden'), name);
}

/** The parsed file. The caller names its shape; nothing checks it beyond the test's own expectations. */
export function readGolden<Shape>(name: string): Shape {
  return JSON.parse(readFileSync(goldenFile(name), 'utf8')) as Shape;
}
