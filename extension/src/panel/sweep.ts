// What a sweep is to try, as the user types it; and what is read from one that runs or has run.

import type { ICombination, IParameter, IRun, ISweep, ISweepRequest, ITask } from '../api/types';
import { Draft, Entry, entryOf } from './form';
import { isLive } from './runs';

export type Direction = 'minimize' | 'maximize';

/** The sweep's form. */
export interface ISweepDraft {
  /** By parameter the values with commas between them; what is empty keeps its default. */
  readonly values: { readonly [name: string]: string };
  readonly metric: string;
  readonly direction: Direction;
  /** How many combinations to draw; empty for all. */
  readonly draw: string;
}

/** The form as it opens: with what the user has changed for a single run. */
export function firstSweep(
  parameters: readonly IParameter[],
  draft: Draft,
  runs: readonly IRun[]
): ISweepDraft {
  const values: { [name: string]: string } = {};
  for (const parameter of parameters) {
    if (Object.hasOwn(draft, parameter.name)) {
      values[parameter.name] = typed(parameter, draft[parameter.name]);
    }
  }
  const last = runs.find(run => run.sweep?.metric)?.sweep;
  return {
    values,
    metric: last?.metric ?? metricNames(runs)[0] ?? '',
    direction: last?.direction === 'maximize' ? 'maximize' : 'minimize',
    draw: ''
  };
}

/** An entry of the run form as one value among others. */
export function typed(parameter: IParameter, entry: Entry): string {
  if (entry === null) {
    return 'none';
  }
  if (typeof entry === 'boolean') {
    return String(entry);
  }
  const value = parameter.choices?.length ? textOf(JSON.parse(entry)) : entry;
  if (parameter.type !== 'str' || !/[,"']/.test(value)) {
    return value;
  }
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}

/** What may stand in an empty field: the value that the parameter keeps. */
export function kept(parameter: IParameter): string {
  const entry = entryOf(parameter, parameter.default);
  return entry === null ? 'None' : typed(parameter, entry);
}

/** All values that a parameter can have, where they are few. */
export function allValues(parameter: IParameter): string {
  if (parameter.choices?.length) {
    return parameter.choices
      .map(one => typed({ ...parameter, choices: null }, textOf(one)))
      .join(', ');
  }
  return parameter.type === 'bool' ? 'true, false' : '';
}

function textOf(value: unknown): string {
  return value === null ? 'none' : typeof value === 'string' ? value : JSON.stringify(value);
}

/** What the server is asked; a comma at the end is one that is just being typed. */
export function sweepRequest(sweep: ISweepDraft): ISweepRequest {
  const values: { [name: string]: string } = {};
  for (const [name, text] of Object.entries(sweep.values)) {
    const trimmed = text.trim().replace(/\s*,$/, '');
    if (trimmed) {
      values[name] = trimmed;
    }
  }
  const metric = sweep.metric.trim();
  const draw = sweep.draw.trim();
  return {
    values,
    ...(metric ? { metric, direction: sweep.direction } : {}),
    ...(isCount(draw) ? { draw: Number(draw) } : {})
  };
}

/** Whether a text is a number of combinations. */
export function isCount(text: string): boolean {
  return /^[1-9]\d{0,8}$/.test(text.trim());
}

/** Metrics that the pipeline's runs have recorded. */
export function metricNames(runs: readonly IRun[]): readonly string[] {
  const names = new Set<string>();
  for (const run of runs) {
    for (const metrics of [...(run.sweep?.combinations ?? []), ...run.tasks].map(
      one => one.metrics
    )) {
      Object.entries(metrics).forEach(([name, one]) => typeof one === 'number' && names.add(name));
    }
  }
  return [...names];
}

/** The combinations in the order in which they are shown: best first once the sweep is over. */
export function ranked(run: IRun): readonly ICombination[] {
  const sweep = run.sweep;
  if (!sweep || isLive(run) || !sweep.metric) {
    return sweep?.combinations ?? [];
  }
  const sign = sweep.direction === 'maximize' ? -1 : 1;
  return sweep.combinations
    .map((one, place) => ({ one, place, rank: rankOf(one, sweep, sign) }))
    .sort((a, b) => (a.rank === b.rank ? a.place - b.place : a.rank - b.rank))
    .map(({ one }) => one);
}

function rankOf(one: ICombination, sweep: ISweep, sign: number): number {
  const value = one.metrics[sweep.metric ?? ''];
  const whole = one.state === 'done' || one.state === 'up-to-date';
  return whole && typeof value === 'number' ? sign * value : Number.MAX_VALUE;
}

/** Metrics that have a column: the goal, or else the first ones. */
export function shownMetrics(sweep: ISweep, most = 2): readonly string[] {
  const names = new Set<string>();
  for (const one of sweep.combinations) {
    Object.keys(one.metrics).forEach(name => names.add(name));
  }
  const { metric } = sweep;
  return metric !== null ? (names.has(metric) ? [metric] : []) : [...names].slice(0, most);
}

/** How many combinations need nothing more. */
export function overCount(sweep: ISweep): number {
  return sweep.combinations.filter(one => one.over === one.steps).length;
}

const WEIGHT: readonly ITask['state'][] = [
  'running',
  'failed',
  'stopped',
  'waiting',
  'not-run',
  'done',
  'up-to-date'
];

/** A run's tasks by step, as the graph draws them: of a sweep what matters most among a step's combinations. */
export function stepTasks(run: IRun): readonly ITask[] {
  if (!run.sweep) {
    return run.tasks;
  }
  const byName = new Map(run.tasks.map(task => [task.name, task]));
  const steps = new Map<string, ITask>();
  for (const one of run.sweep.combinations) {
    for (const [step, name] of Object.entries(one.tasks)) {
      const task = byName.get(name);
      const before = steps.get(step);
      if (task && (!before || WEIGHT.indexOf(task.state) < WEIGHT.indexOf(before.state))) {
        steps.set(step, { ...task, name: step });
      }
    }
  }
  return [...steps.values()];
}
