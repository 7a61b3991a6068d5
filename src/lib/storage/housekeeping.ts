// What may go to make room: checkpoints by rule, always shown first. Runs under way, and what others still need, are never touched;
// a run's record, its curves and its evaluations stay. For what belongs to nothing see orphans.ts.

import type { CheckpointRecord, CheckpointSlot, GroupRecord, QueueRecord, RunRecord } from './records';
import { runsUnderWay } from './run-locks';
import type { CheckpointSummary, Database } from './schema';
import { deleteState } from './state-parts';
import { write } from './transaction';

export type PruneRule =
  /** Of runs that have ended (done, stopped or failed), all but the best and the last. */
  | { kind: 'best-and-last' }
  /** Checkpoints of these kinds that were made more than so many days ago, of any run. */
  | { kind: 'older'; days: number; kinds: readonly ('epoch' | 'saved' | 'top')[] }
  /** Of sweeps and folds that have ended, all checkpoints of all but the `keep` best runs. */
  | { kind: 'group'; keep: number };

/** Which runs a rule goes for. */
export type PruneScope = { projectId: string } | { runId: string } | 'everything';

export interface PlannedCheckpoint extends Pick<
  CheckpointRecord,
  'id' | 'runId' | 'slot' | 'kind' | 'epoch' | 'createdAt'
> {
  runName: string;
}

/** What would go. Nothing has happened yet. */
export interface PrunePlan {
  checkpoints: readonly PlannedCheckpoint[];
  /** That would be free: of states that no checkpoint is left to share. */
  bytes: number;
  /** Checkpoints that a rule names and that stay, because of what is under way. */
  spared: readonly { runId: string; runName: string; slot: CheckpointSlot; reason: 'under-way' | 'needed' }[];
}

/** Reads records only; `now` in milliseconds since 1970. */
export async function planPrune(
  database: Database,
  scope: PruneScope,
  rule: PruneRule,
  now = Date.now(),
): Promise<PrunePlan> {
  const alive = await runsUnderWay();
  const transaction = database.transaction(['runs', 'checkpoints', 'groups', 'queue']);
  const [runs, checkpoints, groups, queue] = await Promise.all([
    transaction.objectStore('runs').getAll(),
    transaction.objectStore('checkpoints').getAll(),
    transaction.objectStore('groups').getAll(),
    transaction.objectStore('queue').getAll(),
  ]);
  const named = namedBy(rule, { runs, groups, queue, now });
  const needed = neededBy(queue, runs);
  const byId = new Map(runs.filter((run) => isIn(run, scope)).map((run) => [run.id, run]));
  const going: CheckpointSummary[] = [];
  const spared: PrunePlan['spared'][number][] = [];
  for (const checkpoint of checkpoints) {
    const run = byId.get(checkpoint.runId);
    if (run === undefined || !named(run, checkpoint)) continue;
    const reason = isUnderWay(run, alive) ? 'under-way' : needed(checkpoint) ? 'needed' : null;
    if (reason === null) going.push(checkpoint);
    else spared.push({ runId: run.id, runName: run.name, slot: checkpoint.slot, reason });
  }
  return {
    checkpoints: going.map((checkpoint) => planned(checkpoint, byId)),
    bytes: freed(checkpoints, going),
    spared,
  };
}

/**
 * Removes what a plan names and what is still as it was then: a checkpoint that was replaced meanwhile, and all of a run that was
 * taken up again, stay. Returns what has gone.
 */
export async function applyPrune(database: Database, plan: PrunePlan): Promise<{ checkpoints: number; bytes: number }> {
  const alive = await runsUnderWay();
  return write(database, ['runs', 'checkpoints', 'states', 'stateParts', 'queue'], async (transaction) => {
    const store = transaction.objectStore('checkpoints');
    const runs = await transaction.objectStore('runs').getAll();
    const byId = new Map(runs.map((run) => [run.id, run]));
    const needed = neededBy(await transaction.objectStore('queue').getAll(), runs);
    const before = await store.getAll();
    const ids = new Set(plan.checkpoints.map(({ id }) => id));
    const going = before.filter((checkpoint) => {
      const run = byId.get(checkpoint.runId);
      return ids.has(checkpoint.id) && run !== undefined && !isUnderWay(run, alive) && !needed(checkpoint);
    });
    for (const { id } of going) await store.delete(id);
    for (const stateId of new Set(going.map((checkpoint) => checkpoint.stateId))) {
      if ((await store.index('stateId').count(stateId)) === 0) await deleteState(transaction, stateId);
    }
    return { checkpoints: going.length, bytes: freed(before, going) };
  });
}

interface Records {
  runs: readonly RunRecord[];
  groups: readonly GroupRecord[];
  queue: readonly QueueRecord[];
  now: number;
}

const ENDED: readonly string[] = ['done', 'stopped', 'failed'] satisfies RunRecord['status'][];
const DAY_MS = 86_400_000;

/** Whether the rule asks for a checkpoint to go. */
function namedBy(rule: PruneRule, records: Records): (run: RunRecord, checkpoint: CheckpointSummary) => boolean {
  switch (rule.kind) {
    case 'best-and-last':
      return (run, { kind }) => ENDED.includes(run.status) && kind !== 'best' && kind !== 'last';
    case 'older': {
      const kinds: readonly string[] = rule.kinds;
      return (_run, { kind, createdAt }) => kinds.includes(kind) && records.now - createdAt > rule.days * DAY_MS;
    }
    case 'group': {
      const losers = new Set(records.groups.flatMap((group) => losersOf(group, rule.keep, records)));
      return (run) => losers.has(run.id);
    }
    default:
      return rule satisfies never;
  }
}

/** Ids of the runs of a group beyond its best ones; none while any of its runs has still to come or to end. */
function losersOf({ id, metric }: GroupRecord, keep: number, { runs, queue }: Records): string[] {
  const isOpen = ({ groupId, status }: QueueRecord): boolean =>
    groupId === id && (status === 'waiting' || status === 'running');
  const own = runs.filter(({ groupId }) => groupId === id);
  if (queue.some(isOpen) || own.some(({ status }) => !ENDED.includes(status))) return [];
  const worst = metric.better === 'higher' ? -Infinity : Infinity;
  const value = ({ best }: RunRecord): number => best?.value ?? worst;
  const ranked = own.toSorted((a, b) => {
    if (value(a) === value(b)) return a.createdAt - b.createdAt;
    return metric.better === 'higher' ? value(b) - value(a) : value(a) - value(b);
  });
  return ranked.slice(keep).map((run) => run.id);
}

/** What the queue will begin with: the run it goes on with, the checkpoint it starts from, the teacher it learns from. */
function neededBy(
  queue: readonly QueueRecord[],
  runs: readonly RunRecord[],
): (checkpoint: Pick<CheckpointSummary, 'runId' | 'slot'>) => boolean {
  const whole = new Set<string>();
  const slots = new Set<string>();
  const teach = ({ distillation }: RunRecord['job']): void => {
    const [scheme, id] = distillation.teacher?.split(':') ?? [];
    if (scheme === 'run') slots.add(`${id} best`);
  };
  for (const { status, work } of queue) {
    if (status !== 'waiting' && status !== 'running') continue;
    if (work.kind !== 'train') whole.add(work.runId);
    else {
      teach(work.job);
      if (work.from !== undefined) slots.add(`${work.from.runId} ${work.from.slot}`);
    }
  }
  for (const { status, job } of runs) if (status !== 'done') teach(job);
  return ({ runId, slot }) => whole.has(runId) || slots.has(`${runId} ${slot}`);
}

function isUnderWay({ id, status }: RunRecord, alive: ReadonlySet<string>): boolean {
  return alive.has(id) || status === 'running' || status === 'paused';
}

function isIn(run: RunRecord, scope: PruneScope): boolean {
  if (scope === 'everything') return true;
  return 'runId' in scope ? run.id === scope.runId : run.projectId === scope.projectId;
}

/** Bytes of the states that only checkpoints that go have. */
function freed(all: readonly CheckpointSummary[], going: readonly CheckpointSummary[]): number {
  const ids = new Set(going.map(({ id }) => id));
  const kept = new Set(all.filter(({ id }) => !ids.has(id)).map(({ stateId }) => stateId));
  const states = new Map(
    going.filter(({ stateId }) => !kept.has(stateId)).map(({ stateId, bytes }) => [stateId, bytes]),
  );
  return [...states.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function planned(
  { id, runId, slot, kind, epoch, createdAt }: CheckpointSummary,
  runs: ReadonlyMap<string, RunRecord>,
): PlannedCheckpoint {
  return { id, runId, slot, kind, epoch, createdAt, runName: runs.get(runId)?.name ?? '' };
}
