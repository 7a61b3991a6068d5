// The job that the Train page edits: a preset, a model, and what the person changed from there. Everything else follows from these
// three, so a default that depends on a choice (the learning rate on the optimiser) follows that choice until it is set by hand.
import { getPath, isObject, setPath } from '$lib/core/path';
import type { Fields, Preset, Problem } from '$lib/core/schema';
import { JOB_VERSION, type Job } from '$lib/job/job';
import { checkJob, type JobContext } from '$lib/job/parse';
import { jobFields, presetsFor, type JobPreset } from '$lib/job/schema';
import type { ModelEntry } from '$lib/models/contract';
import { IMPORTED, importedEntry } from '$lib/models/imported';
import type { TaskMeta } from '$lib/tasks/contract';

type Values = Readonly<Record<string, unknown>>;

/** What is kept between visits of the page. */
export interface DraftRecord {
  preset: string | null;
  model: string;
  /** By dotted path. */
  changes: Values;
}

export interface DraftOptions {
  context: JobContext;
  task: TaskMeta;
  /** Values that hold from the start, by dotted path: the device that was forced. */
  given?: Values;
}

/** Chosen beside the form. */
const WEIGHTS = 'model.weights';

/** The defaults of other fields depend on these; see job/resolve.ts. */
const DECIDING = [
  'model.weights',
  'fine_tune.train',
  'optimizer.name',
  'training.epochs',
  'training.batch_size',
  'preprocess.image_size',
];

/** Of the job, what the form of the page leaves out: said elsewhere on the page, or only for the command line. */
const NOT_IN_FORM = ['version', 'task', 'data'];

const FIRST_PRESET = 'balanced';

/** Changes of the same setting within this time are taken back together: a number is typed digit by digit. */
const ONE_CHANGE_MS = 1_000;
const MOST_UNDONE = 200;

export class JobDraft {
  readonly #context: JobContext;
  readonly #task: TaskMeta;
  readonly #given: Values;
  readonly models: readonly ModelEntry[];
  /** What defaults look at. */
  readonly data: JobContext['data'];
  readonly presets: readonly JobPreset[];

  preset = $state.raw<string | null>(FIRST_PRESET);
  model = $state.raw('');
  changes = $state.raw<Values>({});
  #past = $state.raw<readonly DraftRecord[]>([]);
  #future = $state.raw<readonly DraftRecord[]>([]);
  #lastChange = { what: '', at: 0 };
  readonly canUndo = $derived(this.#past.length > 0);
  readonly canRedo = $derived(this.#future.length > 0);

  /** Of the model; of an imported one what is known of its file. */
  readonly entry = $derived.by(() => {
    if (this.model === IMPORTED) return importedEntry(this.#context.imported?.(String(this.changes[WEIGHTS])));
    return this.models.find(({ meta }) => meta.id === this.model) ?? this.models[0];
  });
  readonly #allFields = $derived.by(() => jobFields(this.#context, this.#task, this.entry));
  readonly #checked = $derived.by(() => checkJob(this.#document(this.changes), this.#context));
  /** Complete; of use for training only while `problems` is empty. */
  readonly job: Job = $derived(this.#checked.job);
  readonly problems: readonly Problem[] = $derived(this.#checked.problems);
  readonly notices: readonly string[] = $derived(this.#checked.notices);
  /** Fields, values and defaults of the form. */
  readonly fields: Fields = $derived(inForm(this.#allFields));
  readonly base: Values = $derived(pickForm(this.#base()));
  readonly value: Values = $derived(pickForm(putAll(this.job, this.changes)));

  constructor({ context, task, given = {} }: DraftOptions) {
    this.#context = context;
    this.#task = task;
    this.#given = given;
    this.data = context.data;
    this.models = context.models.filter(({ meta }) => meta.tasks.includes(task.models));
    this.model = this.models[0]?.meta.id ?? '';
    // Which values a preset can set depends on the task alone.
    this.presets = presetsFor(this.#allFields);
  }

  /** The presets that this data asks for, with the reason. */
  readonly suggestions: Readonly<Record<string, string>> = $derived.by(() => {
    const { data } = this;
    if (data === undefined) return {};
    return Object.fromEntries(
      this.presets.flatMap(({ id, why }) => {
        const reason = why?.(data);
        return reason == null ? [] : [[id, reason]];
      }),
    );
  });

  undo(): void {
    this.#travel(this.#past, (past, here) => {
      this.#past = past;
      this.#future = [...this.#future, here];
    });
  }

  redo(): void {
    this.#travel(this.#future, (future, here) => {
      this.#future = future;
      this.#past = [...this.#past, here];
    });
  }

  #travel(from: readonly DraftRecord[], keep: (rest: readonly DraftRecord[], here: DraftRecord) => void): void {
    const target = from.at(-1);
    if (target === undefined) return;
    keep(from.slice(0, -1), this.record());
    this.#lastChange = { what: '', at: 0 };
    ({ preset: this.preset, model: this.model, changes: this.changes } = target);
  }

  /** Before every change: what was there can be had again. `what` tells changes of the same thing. */
  #remember(what: string): void {
    const at = Date.now();
    const again = what === this.#lastChange.what && at - this.#lastChange.at < ONE_CHANGE_MS;
    this.#lastChange = { what, at };
    if (again && this.#past.length > 0) return;
    this.#past = [...this.#past, this.record()].slice(-MOST_UNDONE);
    this.#future = [];
  }

  /** What the form gives back: all values, of which those that differ from the defaults are kept. */
  setValue(value: Values): void {
    const base = this.base;
    const changed = leafPaths(this.fields).filter((path) => !same(getPath(value, path), getPath(base, path)));
    const { [WEIGHTS]: weights } = this.changes;
    const changes = {
      ...(weights === undefined ? {} : { [WEIGHTS]: weights }),
      ...Object.fromEntries(changed.map((path) => [path, getPath(value, path)])),
    };
    const touched = [...Object.keys(this.changes), ...Object.keys(changes)].filter(
      (path, at, all) => all.indexOf(path) === at && !same(getPath(value, path), getPath(this.value, path)),
    );
    if (touched.length > 0) this.#remember(touched.join());
    this.changes = changes;
  }

  /** Sets one value, as the form does. */
  set(path: string, value: unknown): void {
    const next = setPath(this.value, path, value);
    if (isObject(next)) this.setValue(next);
  }

  /** Takes a preset; what the person set by hand stays unless the preset says something about it. */
  setPreset(id: string): void {
    if (id === this.preset) return;
    this.#remember('preset');
    const spoken = this.presets.flatMap(({ values }) => Object.keys(values));
    this.preset = id;
    this.changes = without(this.changes, (path) => spoken.includes(path));
  }

  /** Another model has other settings of its own and starts from other weights; the rest stays. */
  setModel(id: string): void {
    if (id === this.model) return;
    this.#remember('model');
    this.model = id;
    this.changes = without(this.changes, (path) => path.startsWith('model.config.') || path === WEIGHTS);
  }

  /** The network in a stored file, with its weights. */
  setImported(reference: string): void {
    this.setModel(IMPORTED);
    this.setWeights(reference);
  }

  /** Starts from these weights (see Job.model.weights), or from random numbers. */
  setWeights(weights: string | null): void {
    if ((this.changes[WEIGHTS] ?? null) === weights) return;
    this.#remember('weights');
    const rest = without(this.changes, (path) => path === WEIGHTS);
    this.changes = weights === null ? rest : { ...rest, [WEIGHTS]: weights };
  }

  /** The model's own preset that is in force. */
  readonly configPreset = $derived.by(() =>
    this.entry.config.presets.find(({ values }) =>
      Object.entries(values).every(([path, wanted]) => same(getPath(this.job.model.config, path), wanted)),
    ),
  );

  setConfigPreset(preset: Preset): void {
    const next = Object.entries(preset.values).reduce<unknown>(
      (value, [path, wanted]) => setPath(value, `model.config.${path}`, wanted),
      this.value,
    );
    if (isObject(next)) this.setValue(next);
  }

  reset(): void {
    this.#remember('reset');
    this.changes = {};
  }

  /** The job of another model with nothing changed. */
  defaultFor(model: string): Job {
    return checkJob(
      putAll({ version: JOB_VERSION, task: this.#task.id, model: { name: model } }, this.#given),
      this.#context,
    ).job;
  }

  /** Takes a job document of any version as it is. Its problems, if any; then nothing has changed. */
  adopt(document: unknown): readonly Problem[] {
    const { job, problems } = checkJob(document, this.#context);
    if (problems.length > 0) return problems;
    // One change, however many settings differ.
    const before = this.record();
    const past = this.#past;
    const nothing = same(job, this.job) && this.preset === null;
    this.preset = null;
    this.model = job.model.name;
    this.changes = job.model.weights === null ? {} : { [WEIGHTS]: job.model.weights };
    // Twice, because the defaults of some fields follow from the deciding ones, which are changes now.
    for (let round = 0; round < 2; round++) this.setValue(pickForm(job));
    this.#past = nothing ? past : [...past, before].slice(-MOST_UNDONE);
    return [];
  }

  record(): DraftRecord {
    return { preset: this.preset, model: this.model, changes: this.changes };
  }

  /** Goes on from what was kept; anything that does not fit is left out. */
  restore(kept: unknown): void {
    if (!isObject(kept)) return;
    const { preset, model, changes } = kept;
    if (preset === null || this.presets.some(({ id }) => id === preset)) this.preset = preset as string | null; // just checked
    if (model === IMPORTED || this.models.some(({ meta }) => meta.id === model)) this.model = String(model);
    const known = [WEIGHTS, ...leafPaths(this.fields)];
    if (isObject(changes)) this.changes = without(changes, (path) => !known.includes(path));
  }

  #document(changes: Values): unknown {
    const preset = this.presets.find(({ id }) => id === this.preset);
    const start = { version: JOB_VERSION, task: this.#task.id, model: { name: this.model } };
    return putAll(putAll(putAll(start, this.#given), preset?.values ?? {}), changes);
  }

  #base(): unknown {
    const plain = checkJob(this.#document({}), this.#context).job;
    const deciding = without(this.changes, (path) => !DECIDING.includes(path));
    const decided = checkJob(this.#document(deciding), this.#context);
    if (decided.problems.length > 0) return plain;
    // What a deciding field would be, had it been left alone, follows from the other ones.
    return Object.keys(deciding).reduce<unknown>((job, changed) => {
      const others = checkJob(this.#document(without(deciding, (path) => path === changed)), this.#context);
      return setPath(job, changed, getPath(others.problems.length > 0 ? plain : others.job, changed));
    }, decided.job);
  }
}

function putAll(value: unknown, values: Values): unknown {
  return Object.entries(values).reduce((changed, [path, next]) => setPath(changed, path, next), value);
}

function without(values: Values, drop: (path: string) => boolean): Values {
  return Object.fromEntries(Object.entries(values).filter(([path]) => !drop(path)));
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** The model is chosen by its card: of `model` the form has the settings alone. */
function inForm(fields: Fields): Fields {
  const shown = Object.entries(fields).filter(([name]) => !NOT_IN_FORM.includes(name));
  return Object.fromEntries(
    shown.map(([name, field]) => {
      if (name !== 'model' || field.type !== 'object') return [name, field];
      return [name, { ...field, fields: { config: field.fields.config } }];
    }),
  );
}

function pickForm(job: unknown): Values {
  if (!isObject(job)) return {};
  const { model, ...rest } = without(job, (name) => NOT_IN_FORM.includes(name));
  return { model: { config: getPath(model, 'config') }, ...rest };
}

function leafPaths(fields: Fields, prefix = ''): string[] {
  return Object.entries(fields).flatMap(([name, field]) =>
    field.type === 'object' ? leafPaths(field.fields, `${prefix}${name}.`) : [`${prefix}${name}`],
  );
}
