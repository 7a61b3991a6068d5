// Shows a run's events on stderr: one live line on a terminal, a line per epoch and every ten seconds elsewhere; or all as JSON.

const LINE_EVERY_MS = 10_000;

/**
 * @param {NodeJS.WriteStream} stream
 * @param {{ json?: boolean }} [options] `json`: every event as one line of JSON, for programs.
 */
export function createProgress(stream, { json = false } = {}) {
  let lastLine = 0;
  let live = false;
  const clear = () => {
    if (live) stream.write('\r\x1b[2K');
    live = false;
  };
  /** @param {string} text */
  const line = (text) => {
    clear();
    stream.write(`${text}\n`);
    lastLine = Date.now();
  };
  /** @param {string} text */
  const status = (text) => {
    if (stream.isTTY) {
      stream.write(`\r\x1b[2K${text.slice(0, (stream.columns ?? 80) - 1)}`);
      live = true;
    } else if (Date.now() - lastLine >= LINE_EVERY_MS) line(text);
  };

  return {
    line,
    end: clear,
    /** @param {any} event see src/lib/training/events.ts, data/contract.ts and interchange/contract.ts */
    show(event) {
      if (json) return line(JSON.stringify(event));
      const text = describe(event);
      if (text === null) return;
      if (text.live) status(text.text);
      else line(text.text);
    },
  };
}

/** @param {number} value */
const percent = (value) => `${(value * 100).toFixed(2)}%`;
/** @param {number} bytes */
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
/** @param {number} seconds */
const duration = (seconds) =>
  seconds < 60
    ? `${Math.round(seconds)} s`
    : `${Math.floor(seconds / 60)} min ${String(Math.round(seconds % 60)).padStart(2, '0')} s`;

/** By the reason of an 'away' event. */
const AWAY = {
  frozen: (/** @type {string} */ time) => `the browser held the run still for ${time}`,
  closed: (/** @type {string} */ time) => `the run was interrupted for ${time} and goes on`,
  'lost-device': (/** @type {string} */ time) => `the device was lost; the run goes on after ${time}`,
};

/**
 * @param {any} event
 * @returns {{ text: string, live: boolean } | null}
 */
function describe(event) {
  switch (event.from + '/' + event.type) {
    case 'import/progress':
      return {
        live: true,
        text: `reading images: ${event.done} of ${event.total}, ${Math.round(event.perSecond)} a second`,
      };
    case 'import/problem':
      return problem(event.problem);
    case 'import/done':
      return {
        live: false,
        text: `${event.images} images in ${event.classes.length} classes, read in ${duration(event.seconds)}`,
      };
    case 'weights/progress': {
      const of = event.total === null ? '' : ` of ${megabytes(event.total)}`;
      if (event.phase === 'download') return { live: true, text: `downloading weights: ${megabytes(event.done)}${of}` };
      return { live: true, text: event.phase === 'check' ? 'checking the weights' : 'storing the weights' };
    }
    case 'weights/done':
      return {
        live: false,
        text: `weights: ${event.name}, ${event.format}, ${event.tensors} tensors, ${megabytes(event.bytes)}${event.here ? ' (kept from before)' : ''}`,
      };
    case 'sweep/planned':
      return { live: false, text: event.title };
    case 'sweep/run': {
      const best = event.best === null ? 'no result' : `${event.best.metric} ${event.best.value.toFixed(4)}`;
      return { live: false, text: `run ${event.done} ended: ${event.name}: ${best}` };
    }
    case 'train/started':
      return {
        live: false,
        text:
          `training on ${event.images.train} images (${event.images.val} validation, ${event.images.test} test), ` +
          `${event.parameters.toLocaleString('en')} parameters, ${event.device.backend} (${event.device.adapter})`,
      };
    case 'train/notice':
    case 'notice/notice':
      return { live: false, text: `note: ${event.message}` };
    case 'train/memory':
      // A batch that fits is no news.
      if (event.accumulate === 1) return null;
      return {
        live: false,
        text:
          `note: a batch of ${event.batchSize} needs about ${megabytes(event.needed)} of memory` +
          `${event.granted === null ? '' : `, of which ${megabytes(event.granted)} are granted`}; it is computed in ${event.accumulate} parts`,
      };
    case 'train/adapted':
      return {
        live: false,
        text: `note: from step ${event.step} on a batch is computed in ${event.accumulate} parts: ${event.reason}`,
      };
    case 'train/away':
      return { live: false, text: `note: ${AWAY[/** @type {keyof AWAY} */ (event.reason)](duration(event.seconds))}` };
    case 'train/paused':
      return { live: false, text: `paused after step ${event.step}` };
    case 'train/continued':
      return { live: false, text: `went on after ${duration(event.seconds)}` };
    case 'train/phase':
      return {
        live: false,
        text: `${event.phase === 'contrastive' ? 'metric learning' : 'classifier'}: ${event.epochs} epochs`,
      };
    case 'train/features':
      return { live: true, text: `features: ${event.done} of ${event.total}, ${event.cached} from before` };
    case 'train/progress':
      return {
        live: true,
        text:
          `epoch ${event.epoch}, step ${event.step}: loss ${event.loss.toFixed(4)}, ` +
          `${Math.round(event.imagesPerSecond)} images/s, ${duration(event.secondsLeft)} left`,
      };
    case 'train/epoch': {
      const metrics = Object.entries(event.metrics).map(([name, value]) => `${name} ${Number(value).toFixed(4)}`);
      return {
        live: false,
        text: `epoch ${event.epoch}${event.within ? `, step ${event.step}` : ''}: ${metrics.join(', ')} (${duration(event.seconds)})${event.best ? ' *' : ''}`,
      };
    }
    case 'train/evaluated': {
      const { result } = event;
      const accuracy = result.metrics.accuracy;
      const shown = typeof accuracy === 'number' ? `accuracy ${percent(accuracy)}` : JSON.stringify(result.metrics);
      return {
        live: false,
        text: `${event.split} (${event.checkpoint} checkpoint): ${shown} on ${result.count} images`,
      };
    }
    case 'train/finished':
      return { live: false, text: `${event.status} after ${event.epochs} epochs in ${duration(event.seconds)}` };
    case 'export/format': {
      const { format, status, reason, relativeDifference } = event.report;
      return {
        live: false,
        text:
          status === 'verified'
            ? `${format}: verified, largest difference ${relativeDifference.toExponential(1)} of the largest logit`
            : `${format}: FAILED, ${reason}`,
      };
    }
    case 'evaluate/progress':
      return { live: true, text: `evaluating: ${event.done} of ${event.total}` };
    default:
      return null;
  }
}

/**
 * @param {any} found see DataProblem in src/lib/storage/records.ts
 * @returns {{ text: string, live: boolean } | null}
 */
function problem(found) {
  switch (found.kind) {
    case 'unreadable':
      return { live: false, text: `unreadable: ${found.path}: ${found.reason}` };
    case 'skipped':
      return { live: false, text: `skipped: ${found.path}: ${found.reason}` };
    case 'duplicate': {
      const marks = [
        found.acrossSplits ? 'in more than one split' : '',
        found.sameLabel ? '' : 'with different labels',
      ];
      return {
        live: false,
        text: `same image: ${found.paths.join(', ')} ${marks.filter(Boolean).join(' ')}`.trimEnd(),
      };
    }
    case 'small-class':
      return {
        live: false,
        text: `class "${found.class}" has only ${found.count} image${found.count === 1 ? '' : 's'}`,
      };
    default:
      return null;
  }
}
