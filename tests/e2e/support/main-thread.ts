// How long the tasks of the page's main thread are, from Chromium's own trace. Wall time says what a person would feel on this
// machine at this moment; CPU time says what our code did, however many others wanted the same two cores.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { BrowserContext, CDPSession, Page } from 'playwright';

export interface LongestTasks {
  /** Milliseconds, longest first. */
  cpu: number[];
  wall: number[];
  tasks: number;
}

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** Microseconds; `tdur` is the time on the processor. */
  dur?: number;
  tdur?: number;
  args: { name?: string };
}

/** Starts to record; the returned function ends it. */
export async function recordMainThread(context: BrowserContext, page: Page): Promise<() => Promise<LongestTasks>> {
  const devtools = await context.newCDPSession(page);
  await devtools.send('Tracing.start', {
    transferMode: 'ReturnAsStream',
    traceConfig: { includedCategories: ['toplevel', '__metadata'], excludedCategories: ['*'] },
  });
  return async () => {
    const complete = new Promise<string>((resolve, reject) => {
      devtools.once('Tracing.tracingComplete', ({ stream }) => {
        if (stream === undefined) reject(new Error('The trace has no stream.'));
        else resolve(stream);
      });
    });
    await devtools.send('Tracing.end');
    const events = await readTrace(devtools, await complete);
    await devtools.detach();
    return longest(events);
  };
}

async function readTrace(devtools: CDPSession, handle: string): Promise<TraceEvent[]> {
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-trace-'));
  try {
    const path = join(folder, 'trace.json');
    const file = createWriteStream(path);
    for (;;) {
      const { data, base64Encoded, eof } = await devtools.send('IO.read', { handle, size: 1 << 20 });
      file.write(base64Encoded === true ? Buffer.from(data, 'base64') : data);
      if (eof) break;
    }
    await devtools.send('IO.close', { handle });
    file.end();
    await finished(file);
    return (JSON.parse(await readFile(path, 'utf8')) as { traceEvents: TraceEvent[] }).traceEvents;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function longest(events: readonly TraceEvent[]): LongestTasks {
  const mains = new Set(
    events
      .filter(({ ph, name, args }) => ph === 'M' && name === 'thread_name' && args.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}/${tid}`),
  );
  const tasks = events.filter(({ name, ph, pid, tid }) => {
    return ph === 'X' && name === 'ThreadControllerImpl::RunTask' && mains.has(`${pid}/${tid}`);
  });
  const sorted = (values: readonly number[]) => values.map((value) => value / 1000).sort((a, b) => b - a);
  return {
    cpu: sorted(tasks.map(({ tdur = 0 }) => tdur)).slice(0, 5),
    wall: sorted(tasks.map(({ dur = 0 }) => dur)).slice(0, 5),
    tasks: tasks.length,
  };
}
