// The page's side of long work: imports, exclusions and predictions against workers that answer when the test says so.
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { TrainyardError } from '../../../src/lib/core/errors';
import type { ImportEvent, ImportSummary } from '../../../src/lib/data/contract';
import type { DataApi, InferApi, PredictionEvent } from '../../../src/lib/rpc/protocol';
import { Exclusions } from '../../../src/lib/state/exclusions.svelte';
import { Imports } from '../../../src/lib/state/imports.svelte';
import { Predictions } from '../../../src/lib/state/predictions.svelte';
import type { Project } from '../../../src/lib/state/project.svelte';

type Answer = PredictionEvent | { type: 'unreadable'; image: string; reason: string };

/** A promise that the test settles. */
function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => ((resolve = yes), (reject = no)));
  return { promise, resolve, reject };
}

/** Only the methods that a test calls; any other call is an error of the test. */
function partial<T extends object>(methods: Partial<T>): T {
  return methods as T; // A missing method throws when it is called, which is what a test wants.
}

describe('imports', () => {
  const request = {
    projectId: null,
    projectName: 'Cats',
    source: { kind: 'sample', seed: 1, images: 4, size: 8 },
  } as const;
  const summary: ImportSummary = {
    projectId: 'p',
    datasetId: 'd',
    versionId: 'v',
    task: 'classification',
    notices: [],
    classes: [],
    images: 4,
    problems: [{ kind: 'unreadable', path: 'a', reason: 'It is text.' }],
    seconds: 1,
  };
  let worker: ReturnType<typeof deferred<ImportSummary>>;
  let tell: (event: ImportEvent) => void;
  let cancel: ReturnType<typeof vi.fn<DataApi['cancel']>>;
  let imports: Imports;

  beforeEach(() => {
    worker = deferred();
    cancel = vi.fn<DataApi['cancel']>(() => Promise.resolve());
    const start: DataApi['import'] = (_, onEvent) => {
      tell = onEvent;
      return worker.promise;
    };
    imports = new Imports(partial<DataApi>({ import: start, cancel }));
  });

  test('show their phase and progress, and end with the summary', async () => {
    const { import: job, ended } = imports.start(request);
    tell({ type: 'phase', phase: 'checking' });
    tell({ type: 'progress', done: 2, total: 4, perSecond: 10, secondsLeft: 0.2, unreadable: 0 });
    expect(job).toMatchObject({ status: 'running', phase: 'checking', progress: { done: 2 } });
    expect(imports.active).toEqual([job]);
    worker.resolve(summary);
    await ended;
    expect(job).toMatchObject({ status: 'done', summary: { projectId: 'p' }, problems: summary.problems });
    expect(imports.active).toEqual([]);
    expect(imports.of('p')).toBe(job);
  });

  test('that are cancelled leave the list without an error', async () => {
    const { import: job, ended } = imports.start(request);
    await imports.cancel(job);
    expect(cancel).toHaveBeenCalledWith(job.taskId);
    expect(job.status).toBe('cancelling');
    worker.reject(new TrainyardError('cancelled', 'The import was cancelled.'));
    await ended;
    expect(job).toMatchObject({ status: 'cancelled', error: null });
    expect(imports.list).toEqual([]);
  });

  test('that fail say why and stay until they are dismissed', async () => {
    const { import: job, ended } = imports.start(request);
    worker.reject(new TrainyardError('no-images', 'The zip has no images.', 'Add some.'));
    await ended;
    expect(job).toMatchObject({ status: 'failed', error: { code: 'no-images', hint: 'Add some.' } });
    expect(imports.list).toEqual([job]);
    imports.dismiss(job);
    expect(imports.list).toEqual([]);
  });
});

describe('exclusions', () => {
  let exclude: ReturnType<typeof vi.fn<Project['exclude']>>;
  let exclusions: Exclusions;

  beforeEach(() => {
    vi.useFakeTimers();
    exclude = vi.fn<Project['exclude']>(() => Promise.resolve('version before'));
    exclusions = new Exclusions(partial<Project>({ exclude }));
    return () => vi.useRealTimers();
  });

  test('are hidden at once, and those in quick succession become one version', async () => {
    exclusions.add(['a']);
    expect([...exclusions.hidden]).toEqual(['a']);
    await vi.advanceTimersByTimeAsync(300);
    exclusions.add(['b', 'c']);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(exclude).toHaveBeenCalledExactlyOnceWith(['a', 'b', 'c']);
    expect(exclusions.done).toEqual({ paths: ['a', 'b', 'c'], before: 'version before' });
    expect(exclusions.hidden.size).toBe(0);
  });

  test('are shown again when they could not be saved', async () => {
    exclude.mockRejectedValueOnce(new TrainyardError('storage-full', 'The disk is full.'));
    exclusions.add(['a']);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(exclusions.failure).toMatchObject({ code: 'storage-full' });
    expect(exclusions.hidden.size).toBe(0);
  });
});

describe('predictions', () => {
  const model = (runId: string) => ({ kind: 'run', runId, checkpoint: 'best' }) as const;
  const file = (path: string) => ({ path, file: new File(['x'], path) });
  let calls: { runId: string; names: string[]; answer: (event: Answer) => void; end: () => void }[];
  let predictions: Predictions;

  beforeEach(() => {
    calls = [];
    const predict: InferApi['predict'] = (request, onEvent) => {
      const { promise, resolve } = deferred<void>();
      const runId = request.model.kind === 'run' ? request.model.runId : '';
      calls.push({ runId, names: request.images.map(({ name }) => name), answer: onEvent, end: () => resolve() });
      return promise;
    };
    const cancel = () => Promise.resolve();
    predictions = new Predictions(partial<InferApi>({ predict, cancel }), () => 'auto');
  });

  const prediction = (image: string, predicted_class: string): Answer => ({
    type: 'prediction',
    prediction: { image, predicted_class, confidence: 1, all_predictions: { [predicted_class]: 1 } },
    timing: { decode: 1, preprocess: 1, run: 1 },
  });
  const answers = () => predictions.list.map((image) => image.prediction?.predicted_class ?? image.status);

  test('wait for a model, then come back where the image is', async () => {
    predictions.add([file('a.png'), file('b.png')]);
    expect(calls).toEqual([]);
    predictions.use(model('one'));
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    calls[0].answer(prediction('b.png', 'cat'));
    calls[0].answer({ type: 'unreadable', image: 'a.png', reason: 'It is text.' });
    expect(answers()).toEqual(['unreadable', 'cat']);
    expect(predictions.results).toHaveLength(1);
  });

  test('of files with the same name are told apart', async () => {
    predictions.use(model('one'));
    predictions.add([file('a.png')]);
    predictions.add([file('a.png')]);
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    calls[0].answer(prediction('a.png', 'cat'));
    calls[0].end();
    await vi.waitFor(() => expect(calls).toHaveLength(2));
    expect([calls[0].names, calls[1].names]).toEqual([['a.png'], ['a.png (2)']]);
  });

  test('of an earlier model are not shown under the next one', async () => {
    predictions.use(model('one'));
    predictions.add([file('a.png')]);
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    predictions.use(model('two'));
    calls[0].answer(prediction('a.png', 'old'));
    expect(answers()).toEqual(['waiting']);
    calls[0].end();
    await vi.waitFor(() => expect(calls).toHaveLength(2));
    expect(calls[1].runId).toBe('two');
    calls[1].answer(prediction('a.png', 'new'));
    expect(answers()).toEqual(['new']);
  });
});
