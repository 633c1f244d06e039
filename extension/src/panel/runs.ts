// What the panel knows of runs: snapshots from the server folded into one list, and what is read from them.

import { JSONExt, ReadonlyPartialJSONValue } from '@lumino/coreutils';
import type { IParameter, IRun, ITask } from '../api/types';

/** Runs that the panel remembers for one pipeline. */
export const REMEMBERED = 100;

/** Whether a run goes on. */
export function isLive(run: IRun | null | undefined): boolean {
  return run?.state === 'running' || run?.state === 'queued';
}

/** Put a run's newest snapshot into a list, newest run first. */
export function foldRun(runs: readonly IRun[], run: IRun): readonly IRun[] {
  const old = runs.find(one => one.run_id === run.run_id);
  if (old && !isLive(old) && isLive(run)) {
    // A snapshot that was overtaken by the run's end.
    return runs;
  }
  const next = old ? keepTracebacks(old, run) : run;
  return [...runs.filter(one => one !== old), next].sort(newestFirst).slice(0, REMEMBERED);
}

/** Put a list that was asked for together with what the events told meanwhile. */
export function foldRuns(known: readonly IRun[], asked: readonly IRun[]): readonly IRun[] {
  const ids = new Set(asked.map(one => one.run_id));
  const begun = known.filter(one => isLive(one) && !ids.has(one.run_id));
  return [...asked, ...begun].reduce<readonly IRun[]>((runs, run) => {
    const old = known.find(one => one.run_id === run.run_id);
    return foldRun(runs, old ? keepTracebacks(old, run) : run);
  }, []);
}

/** The events leave tracebacks out; one that was asked for before stays. */
function keepTracebacks(old: IRun, run: IRun): IRun {
  const tasks = run.tasks.map(task => {
    const before = old.tasks.find(one => one.name === task.name)?.failure;
    return task.failure && !task.failure.traceback && before?.traceback
      ? { ...task, failure: { ...task.failure, traceback: before.traceback } }
      : task;
  });
  return { ...run, tasks };
}

function newestFirst(a: IRun, b: IRun): number {
  return b.started - a.started || (a.run_id < b.run_id ? 1 : -1);
}

/** The run to show: the one that was chosen, else one that goes on, else the newest. */
export function shownRun(runs: readonly IRun[], chosen: string | null): IRun | null {
  return runs.find(one => one.run_id === chosen) ?? runs.find(isLive) ?? runs[0] ?? null;
}

/** How long each task took when it last ran to its end. */
export function lastSeconds(runs: readonly IRun[]): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  for (const run of runs) {
    for (const task of run.tasks) {
      if (task.state === 'done' && task.seconds !== null && !seconds.has(task.name)) {
        seconds.set(task.name, task.seconds);
      }
    }
  }
  return seconds;
}

export interface IProgress {
  /** Tasks that need nothing more, and all. */
  done: number;
  tasks: number;
  current: readonly ITask[];
  /** From 0 to 1, by cells where they are known. */
  part: number;
}

const OVER = new Set(['done', 'up-to-date', 'failed', 'stopped', 'not-run']);

/** How far a run has come. */
export function progressOf(run: IRun): IProgress {
  const done = run.tasks.filter(task => OVER.has(task.state)).length;
  const current = run.tasks.filter(task => task.state === 'running');
  const begun = current
    .map(task => (task.cells ? Math.max(0, task.cell - 1) / task.cells : 0))
    .reduce((sum, part) => sum + part, 0);
  const tasks = run.tasks.length;
  return { done, tasks, current, part: tasks ? Math.min(1, (done + begun) / tasks) : 0 };
}

/** When a run ended, or, if nobody knows, when it began; in seconds since the epoch. */
export function endOf(run: IRun): number {
  return run.started + (run.seconds ?? 0);
}

/** The first task that failed, if one did. */
export function failedTask(run: IRun): ITask | null {
  return run.tasks.find(task => task.state === 'failed') ?? null;
}

/** Parameters that a run was given another value for than the default. */
export function changedParameters(
  run: IRun,
  parameters: readonly IParameter[]
): readonly (readonly [string, unknown])[] {
  const defaults = new Map(parameters.map(one => [one.name, one.default]));
  return Object.entries(run.parameters).filter(
    ([name, value]) => !defaults.has(name) || !same(defaults.get(name), value)
  );
}

/** All numbers that a run's tasks recorded, by name. */
export function metricsOf(run: IRun): readonly (readonly [string, number])[] {
  if (run.sweep) {
    // Each combination has its own: what stands for all of them is the best.
    const { metric, value } = run.sweep;
    return metric !== null && typeof value === 'number' ? [[metric, value]] : [];
  }
  const found = new Map<string, number>();
  for (const task of run.tasks) {
    for (const [name, value] of Object.entries(task.metrics)) {
      if (typeof value === 'number') {
        found.set(name, value);
      }
    }
  }
  return [...found];
}

/** Whether two values from JSON are equal. */
export function same(a: unknown, b: unknown): boolean {
  return JSONExt.deepEqual(
    (a ?? null) as ReadonlyPartialJSONValue,
    (b ?? null) as ReadonlyPartialJSONValue
  );
}
