// The teacher of a distillation: another run's best weights, asked about the very images that the student sees, changed and mixed as
// they are. Knows no loss; see tasks/distillation.

import { TrainyardError } from '$lib/core/errors';
import type { Engine } from '$lib/engines/contract';
import { withNormalization } from '$lib/graph/passes';
import type { Graph, ParameterValues } from '$lib/graph/types';
import type { Job } from '$lib/job/job';
import { resize } from '$lib/pipeline/resize';
import { getCheckpoint } from '$lib/storage/checkpoints';
import type { Database } from '$lib/storage/database';
import type { ResolvedPreprocess } from '$lib/storage/records';
import { getRun } from '$lib/storage/runs';
import { besideTeacher, softLabels } from '$lib/tasks/distillation/soft-labels';
import { getTask } from '$lib/tasks/registry';
import type { Teach } from './derived';
import { networkOf } from './network';
import { weightsOf } from './weights-of';

/** A trained network and what it expects. */
export interface Teacher {
  name: string;
  task: string;
  classes: readonly string[];
  graph: Graph;
  parameters: ParameterValues;
  preprocess: ResolvedPreprocess;
}

export interface OpenTeacher {
  teach: Teach;
  dispose(): void;
}

const RUN = 'run:';

/** The teacher that a job names; null where it has none. Throws 'teacher' for one that is not there or is of no use. */
export async function findTeacher(
  { distillation, task }: Pick<Job, 'distillation' | 'task'>,
  classes: readonly string[],
  database: Database,
): Promise<Teacher | null> {
  const { teacher: reference, weight } = distillation;
  if (reference === null || weight === 0) return null;
  if (!reference.startsWith(RUN)) throw unusable(`"${reference}" names no run`, 'Write run: and the id of a run.');
  const teacher = await runTeacher(reference.slice(RUN.length), database);
  if (teacher.task !== task) {
    throw unusable(`"${teacher.name}" solves another task (${teacher.task})`, 'Choose a run of the same task.');
  }
  const same = teacher.classes.length === classes.length && teacher.classes.every((name) => classes.includes(name));
  if (!same) {
    throw unusable(
      `"${teacher.name}" knows other classes (${named(teacher.classes)}) than the data (${named(classes)})`,
      'Choose a run that was trained on the same classes.',
    );
  }
  return teacher;
}

async function runTeacher(id: string, database: Database): Promise<Teacher> {
  const run = await getRun(database, id).catch(() => null);
  if (run === null) throw unusable(`run ${id} is not in this browser`, 'Choose a run that is.');
  if (run.extractor !== undefined) {
    throw unusable(`"${run.name}" computes features in an ONNX file of its own`, 'Choose a run of a whole network.');
  }
  const checkpoint = await getCheckpoint(database, id, 'best').catch(() => null);
  if (checkpoint === null) throw unusable(`"${run.name}" has no best checkpoint yet`, 'Train it first.');
  const { name, job, classes, preprocess } = run;
  const parameters = weightsOf(checkpoint.state);
  return { name, task: job.task, classes, preprocess, parameters, graph: await networkOf(run) };
}

/**
 * Its answers at the job's temperature, beside a batch's own targets and in the order of the student's classes. Images of another
 * size than the teacher knows are resampled, and each network normalises by itself.
 */
export function openTeacher(
  teacher: Teacher,
  engine: Engine,
  student: { job: Pick<Job, 'distillation' | 'task'>; classes: readonly string[] },
): OpenTeacher {
  const { mean, std, imageSize } = teacher.preprocess;
  const predictor = engine.predictor(withNormalization(teacher.graph, mean, std), teacher.parameters);
  const columns = student.classes.map((name) => teacher.classes.indexOf(name));
  const { kind } = getTask(student.job.task).exportActivation;
  const settings = {
    temperature: student.job.distillation.temperature,
    activation: kind === 'sigmoid' ? kind : ('softmax' as const),
  };
  return {
    async teach(batch) {
      const seen = resampled(batch, imageSize);
      const { output } = await predictor.predict(seen);
      const soft = softLabels(reordered(output, columns), columns.length, settings);
      const own = batch.targets;
      const values = besideTeacher(Float32Array.from(own.values), soft, columns.length);
      return { values, shape: [own.shape[0], 2 * columns.length] };
    },
    dispose: () => predictor.dispose(),
  };
}

type Images = Parameters<Teach>[0];

function resampled(batch: Images, [height, width]: readonly [number, number]): Images {
  const [count, fromHeight, fromWidth, channels] = batch.shape;
  const { images } = batch;
  if (fromHeight === height && fromWidth === width) return batch;
  // Images are bytes; only features are not, and those have no teacher.
  if (!(images instanceof Uint8Array)) throw new Error('a teacher was asked about features');
  const size = fromHeight * fromWidth * channels;
  const result = new Uint8Array(count * height * width * channels);
  for (let index = 0; index < count; index++) {
    const data = images.slice(index * size, (index + 1) * size);
    const image = { width: fromWidth, height: fromHeight, data };
    const larger = resize(image, { width, height }, { interpolation: 'bilinear' });
    result.set(larger.data, index * height * width * channels);
  }
  return { ...batch, images: result, shape: [count, height, width, channels] };
}

function reordered(output: Float32Array, columns: readonly number[]): Float32Array {
  if (columns.every((from, to) => from === to)) return output;
  const width = columns.length;
  return output.map((_, at) => output[at - (at % width) + columns[at % width]]);
}

function named(classes: readonly string[]): string {
  const few = classes.slice(0, 5).join(', ');
  return classes.length > 5 ? `${few}, ...` : few;
}

function unusable(found: string, hint: string): TrainyardError {
  return new TrainyardError('teacher', `There is no teacher to learn from: ${found}.`, hint);
}
