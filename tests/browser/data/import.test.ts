// Imports with real decoding into a real database: what is read, what is refused, and that nothing is left half done.

import { describe, expect, onTestFinished, test } from 'vitest';
import type { ImportEvent } from '$lib/data/contract';
import { importDataset } from '$lib/data/import';
import { encodePng } from '$lib/data/png';
import { SAMPLE_CLASSES } from '$lib/data/sample';
import { getBlob, getThumbnails } from '$lib/storage/blobs';
import { getDataset, getVersion, listVersions, setHead } from '$lib/storage/datasets';
import { deleteProject, listProjects } from '$lib/storage/projects';
import type { DataProblem, DatasetVersionRecord } from '$lib/storage/records';
import type { Database } from '$lib/storage/schema';
import { makeZip } from '../../unit/data/zip';
import { openFresh } from '../storage/open';
import {
  SPLIT,
  filesSource,
  imageFixtures,
  inspect,
  picture,
  pictures,
  runImport,
  storeCounts,
  zipSource,
} from './support';

function unreadable(problems: readonly DataProblem[]): Record<string, string> {
  return Object.fromEntries(problems.flatMap((p) => (p.kind === 'unreadable' ? [[p.path, p.reason]] : [])));
}

function shape({ items, classes, split, statistics }: DatasetVersionRecord) {
  return { items, classes, split, statistics };
}

describe('what is read', () => {
  test('a zip with an image of every format, the turned one turned', async () => {
    const database = await openFresh();
    const images = await imageFixtures();
    const entries = [...images].flatMap(([name, content]) => [
      { name: `set/cat/${name}`, content },
      { name: `set/dog/${name}`, content },
    ]);
    const { summary } = await runImport(database, zipSource('set.zip', makeZip(entries)));
    expect(unreadable(summary.problems)).toEqual({});
    expect(summary.classes).toEqual([
      { name: 'cat', count: images.size },
      { name: 'dog', count: images.size },
    ]);
    const { items, change } = await getVersion(database, summary.versionId);
    expect(change).toBe('Imported set.zip');
    for (const item of items) {
      expect([item.width, item.height], item.path).toEqual(item.path.includes('orientation-6') ? [16, 24] : [24, 16]);
    }
    const jpeg = items.find(({ path }) => path === 'cat/baseline.jpg');
    const blob = await getBlob(database, jpeg?.blob ?? '');
    expect(blob.type).toBe('image/jpeg');
    expect(new Uint8Array(await blob.arrayBuffer())).toEqual(images.get('baseline.jpg'));
    // The name of a blob is the hash that any other tool computes.
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
    expect(jpeg?.blob).toBe([...digest].map((byte) => byte.toString(16).padStart(2, '0')).join(''));
  });

  test('a folder and a zip of it become the same version', async () => {
    const database = await openFresh();
    const files = await pictures(['train/a', 'train/b', 'test/a', 'test/b'], 6);
    const entries = Object.entries(files).map(([name, content]) => ({ name: `top/${name}`, content }));
    const folder = await runImport(database, filesSource('top', Object.fromEntries(Object.entries(files).reverse())));
    const zip = await runImport(database, zipSource('top.zip', makeZip(entries)));
    const [fromFolder, fromZip] = await Promise.all(
      [folder, zip].map(({ summary }) => getVersion(database, summary.versionId)),
    );
    expect(shape(fromFolder)).toEqual(shape(fromZip));
    expect(fromZip.split.source).toBe('folders');
  });

  test('statistics are those of the pixels', async () => {
    const database = await openFresh();
    const image = (red: number) =>
      encodePng({ width: 2, height: 1, channels: 3, data: new Uint8Array([red, 0, 255, red, 0, 255]) });
    const source = filesSource('set', { 'a/1.png': image(51), 'b/1.png': image(153) });
    const { summary } = await runImport(database, source, { split: { ...SPLIT, val: 0, test: 0 } });
    const { statistics } = await getVersion(database, summary.versionId);
    // Float32 keeps seven digits.
    expect(statistics.mean[0]).toBeCloseTo(0.4, 6);
    expect(statistics.std[0]).toBeCloseTo(0.2, 6);
    expect(statistics.mean.slice(1)).toEqual([0, 1]);
    expect(statistics).toMatchObject({ sampled: 2, sizes: [{ width: 2, height: 1, count: 2 }], otherSizes: 0 });
  });

  test('large images get thumbnails, small ones none', async () => {
    const database = await openFresh();
    const source = filesSource('set', { 'a/large.png': await picture(1, 400), 'b/small.png': await picture(2, 100) });
    const { summary } = await runImport(database, source);
    expect(await database.count('thumbnails')).toBe(1);
    const { items } = await getVersion(database, summary.versionId);
    const [thumbnail] = await getThumbnails(database, [items[0].blob]);
    const bitmap = await createImageBitmap(thumbnail ?? new Blob());
    expect([bitmap.width, bitmap.height]).toEqual([160, 160]);
  });

  test('IDX pairs are read with their own classes', async () => {
    const database = await openFresh();
    const images = new Uint8Array([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8]);
    const labels = new Uint8Array([0, 0, 8, 1, 0, 0, 0, 2, 4, 1]);
    const source = filesSource('digits', { 'x-images-idx3-ubyte': images, 'x-labels-idx1-ubyte': labels });
    const { summary } = await runImport(database, source);
    expect(summary.classes.map(({ name }) => name)).toEqual(['1', '4']);
    const { items } = await getVersion(database, summary.versionId);
    expect(items.map(({ path, annotation }) => [path, annotation])).toEqual([
      ['1/00001.png', { kind: 'class', class: 0 }],
      ['4/00000.png', { kind: 'class', class: 1 }],
    ]);
    // The browser reads the same pixels from the PNG that was written.
    const [inspection] = await inspect([await getBlob(database, items[1].blob)]);
    expect(inspection).toMatchObject({ ok: true, width: 2, height: 2, sums: [10, 10, 10] });
  });

  test('the sample is generated, decodes, and is the same every time', async () => {
    const database = await openFresh();
    const source = { kind: 'sample', seed: 4, images: 36, size: 32 } as const;
    const first = await runImport(database, source);
    const second = await runImport(database, source);
    const [a, b] = await Promise.all([first, second].map(({ summary }) => getVersion(database, summary.versionId)));
    expect(shape(a)).toEqual(shape(b));
    expect(first.summary.classes).toEqual(SAMPLE_CLASSES.map((name) => ({ name, count: 6 })));
    expect((await listProjects(database)).every(({ sample }) => sample)).toBe(true);
    const [inspection] = await inspect([await getBlob(database, a.items[0].blob)]);
    expect(inspection).toMatchObject({ ok: true, width: 32, height: 32 });
  });
});

describe('what a person sees', () => {
  test('everything that is not imported is named with its reason', async () => {
    const database = await openFresh();
    const [jpeg, huge] = [(await imageFixtures()).get('baseline.jpg'), await picture(7)];
    new DataView(huge.buffer).setUint32(16, 20_000);
    new DataView(huge.buffer).setUint32(20, 20_000);
    const broken = await picture(8);
    broken.fill(0, 45, 55);
    const source = filesSource('set', {
      ...(await pictures(['a', 'b'], 10)),
      'a/text.jpg': 'this is text',
      'a/empty.jpg': '',
      'a/cut.jpg': jpeg?.slice(0, 400) ?? '',
      'a/huge.png': huge,
      'a/broken.png': broken,
      'a/noextension': 'not meant as an image',
      'readme.md': '# words',
    });
    const { summary, events } = await runImport(database, source);
    expect(unreadable(summary.problems)).toEqual({
      'a/text.jpg': 'it is a text file, not an image',
      'a/empty.jpg': 'the file is empty (0 bytes)',
      'a/cut.jpg': 'the file ends before the image does (truncated)',
      'a/huge.png': '20,000 x 20,000 pixels is over the limit of 100 megapixels; scale it down',
      'a/broken.png': 'its image data are damaged, or this browser cannot decode them',
    });
    const skipped = summary.problems.filter(({ kind }) => kind === 'skipped');
    expect(skipped).toEqual([
      { kind: 'skipped', path: 'readme.md', reason: 'it is not an image' },
      { kind: 'skipped', path: 'a/noextension', reason: 'it is a text file, not an image' },
    ]);
    expect(summary.images).toBe(20);
    const told = events.flatMap((event) => (event.type === 'problem' ? [event.problem] : []));
    expect(told).toHaveLength(7);
    expect((await getVersion(database, summary.versionId)).problems).toEqual(summary.problems);
  });

  test('progress counts to the end, between the phases', async () => {
    const database = await openFresh();
    const { events } = await runImport(database, filesSource('set', await pictures(['a', 'b'], 40)));
    const phases = events.flatMap((event) => (event.type === 'phase' ? [event.phase] : []));
    expect(phases).toEqual(['listing', 'checking', 'saving']);
    const progress = events.filter(
      (event): event is Extract<ImportEvent, { type: 'progress' }> => event.type === 'progress',
    );
    const last = progress[progress.length - 1];
    expect(last).toMatchObject({ done: 80, total: 80, secondsLeft: 0, unreadable: 0 });
    expect(last.perSecond).toBeGreaterThan(0);
    expect(progress.every(({ done }, i) => i === 0 || done >= progress[i - 1].done)).toBe(true);
  });

  test('copies are kept and reported, across splits and under other labels', async () => {
    const database = await openFresh();
    const files = await pictures(['train/a', 'train/b', 'test/a', 'test/b'], 10);
    const copies = { 'test/a/copy.png': files['train/a/0.png'], 'train/b/other.png': files['train/a/1.png'] };
    const { summary } = await runImport(database, filesSource('set', { ...files, ...copies }));
    expect(summary.images).toBe(42);
    expect(summary.problems).toEqual([
      { kind: 'duplicate', paths: ['test/a/copy.png', 'train/a/0.png'], sameLabel: true, acrossSplits: true },
      { kind: 'duplicate', paths: ['train/a/1.png', 'train/b/other.png'], sameLabel: false, acrossSplits: false },
    ]);
    expect(await database.count('blobs')).toBe(40);
  });
});

describe('what is refused, and leaves nothing', () => {
  async function refused(files: Readonly<Record<string, Uint8Array<ArrayBuffer> | string>>): Promise<unknown> {
    const database = await openFresh();
    const error = await runImport(database, filesSource('set', files)).catch((reason: unknown) => reason);
    expect(await storeCounts(database)).toEqual({});
    return error;
  }

  test('one class', async () => {
    expect(await refused(await pictures(['only'], 3))).toMatchObject({
      code: 'one-class',
      message: expect.stringContaining('"only" (3 images)') as string,
    });
  });

  test('two classes of which one cannot be read', async () => {
    expect(await refused({ 'a/1.png': await picture(1), 'b/1.png': 'text' })).toMatchObject({
      code: 'one-class',
      message: expect.stringContaining('b/1.png: it is a text file') as string,
    });
  });

  test('no image that can be read', async () => {
    expect(await refused({ 'a/1.png': '', 'b/1.png': 'text' })).toMatchObject({
      code: 'no-images',
      message: expect.stringContaining('a/1.png: the file is empty') as string,
    });
  });
});

describe('all or nothing', () => {
  async function withProject(): Promise<{ database: Database; before: Record<string, number>; projectId: string }> {
    const database = await openFresh();
    const { summary } = await runImport(database, filesSource('first', await pictures(['a', 'b'], 5)));
    return { database, before: await storeCounts(database), projectId: summary.projectId };
  }

  test('a cancelled import keeps nothing, and what was there stays', async () => {
    const { database, before } = await withProject();
    const controller = new AbortController();
    const seen: number[] = [];
    const importing = importDataset(
      {
        projectId: null,
        projectName: 'Second',
        task: 'classification',
        split: SPLIT,
        source: { kind: 'sample', seed: 1, images: 400, size: 16 },
      },
      {
        database,
        inspect,
        signal: controller.signal,
        onEvent(event) {
          if (event.type !== 'progress') return;
          seen.push(event.done);
          controller.abort();
        },
      },
    );
    await expect(importing).rejects.toMatchObject({ code: 'cancelled' });
    // Not at the end, where everything would have been read for nothing.
    expect(Math.max(...seen)).toBeLessThan(400);
    expect(await storeCounts(database)).toEqual(before);
  });

  test('a decoder that fails ends the import, and what was there stays', async () => {
    const { database, before } = await withProject();
    let calls = 0;
    const failing: typeof inspect = async (files) => {
      if (++calls === 3) throw new Error('the decoder died');
      return inspect(files);
    };
    const files = await pictures(['c', 'd'], 150);
    const importing = runImport(database, filesSource('second', files), {}, { inspect: failing });
    await expect(importing).rejects.toThrow('the decoder died');
    expect(await storeCounts(database)).toEqual(before);
  });

  test('content that an import shares with what was there survives its end', async () => {
    const { database, before } = await withProject();
    const files = { ...(await pictures(['a', 'b'], 5)), 'c/1.png': 'x' };
    const failing: typeof inspect = () => Promise.reject(new Error('no'));
    await expect(runImport(database, filesSource('second', files), {}, { inspect: failing })).rejects.toThrow('no');
    expect(await storeCounts(database)).toEqual(before);
  });

  test('what a closed tab left is swept by the next import', async () => {
    const { database, before } = await withProject();
    await database.put('blobs', { hash: 'left', mime: 'image/png', bytes: new Uint8Array(1) });
    await expect(runImport(database, filesSource('bad', { 'a/1.png': '' }))).rejects.toThrow();
    expect(await storeCounts(database)).toEqual(before);
  });

  test('imports from several tabs wait for each other', async () => {
    const database = await openFresh();
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    // Whatever fails here, the other tests must not wait for this import.
    onTestFinished(() => open());
    let calls = 0;
    const slow: typeof inspect = async (files) => {
      // The first batch is stored and not yet named when the second import would sweep what nobody names.
      if (++calls === 2) await gate;
      return inspect(files);
    };
    const first = runImport(database, filesSource('first', await pictures(['c', 'd'], 30)), {}, { inspect: slow });
    await expect.poll(() => database.count('blobs'), { timeout: 30_000 }).toBeGreaterThan(0);
    const second = runImport(
      database,
      filesSource('second', { 'a/1.png': await picture(1), 'b/1.png': await picture(900) }),
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    open();
    await Promise.all([first, second]);
    expect(await storeCounts(database)).toMatchObject({ projects: 2, versions: 2, blobs: 61 });
  });

  test('an import into a project adds a version, which can be undone', async () => {
    const { database, projectId } = await withProject();
    const { summary } = await runImport(database, filesSource('more', await pictures(['x', 'y'], 7)), { projectId });
    expect(summary.projectId).toBe(projectId);
    const versions = await listVersions(database, summary.datasetId);
    expect(versions.map(({ number, change, images }) => [number, change, images])).toEqual([
      [2, 'Imported more', 14],
      [1, 'Imported first', 10],
    ]);
    expect(versions[0].parentId).toBe(versions[1].id);
    expect((await getDataset(database, summary.datasetId)).headVersionId).toBe(summary.versionId);
    await setHead(database, summary.datasetId, versions[1].id);
    expect((await getDataset(database, summary.datasetId)).headVersionId).toBe(versions[1].id);
    await deleteProject(database, projectId);
    expect(await storeCounts(database)).toEqual({});
  });
});
