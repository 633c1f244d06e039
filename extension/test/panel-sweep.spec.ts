// A sweep's form and its table: what is asked for, and in which order combinations stand.

import type { ICombination, IParameter, IRun, ISweep, ITask } from '../src/api/types';
import { metricsOf } from '../src/panel/runs';
import {
  allValues,
  firstSweep,
  isCount,
  kept,
  metricNames,
  overCount,
  ranked,
  shownMetrics,
  stepTasks,
  sweepRequest,
  typed
} from '../src/panel/sweep';

function combination(label: string, more: Partial<ICombination> = {}): ICombination {
  return {
    label,
    parameters: { a: label },
    tasks: { load: 'load', judge: `judge [${label}]` },
    state: 'done',
    steps: 2,
    over: 2,
    running: [],
    seconds: 1,
    metrics: {},
    failure: null,
    ...more
  };
}

function run(
  combinations: ICombination[],
  sweep: Partial<ISweep> = {},
  more: Partial<IRun> = {}
): IRun {
  return {
    run_id: 'r',
    kind: 'sweep',
    state: 'succeeded',
    tasks: [],
    sweep: {
      varied: ['a'],
      total: combinations.length,
      seed: null,
      metric: 'loss',
      direction: 'minimize',
      best: null,
      value: null,
      page: null,
      combinations,
      ...sweep
    },
    ...more
  } as IRun;
}

const task = (name: string, state: ITask['state']): ITask =>
  ({ name, state, metrics: {} }) as ITask;
const labels = (one: IRun): string[] => ranked(one).map(found => found.label);

describe('sweepRequest', () => {
  const sweep = { values: {}, metric: '', direction: 'minimize', draw: '' } as const;

  it('leaves out what is empty, and a comma that is being typed', () => {
    const values = { a: ' 0.1, 0.2 , ', b: '', c: '  ', d: "'x, y',z" };
    expect(sweepRequest({ ...sweep, values })).toEqual({
      values: { a: '0.1, 0.2', d: "'x, y',z" }
    });
  });

  it('names the direction only with a metric, and a number only where it is one', () => {
    const full = { ...sweep, metric: ' loss ', direction: 'maximize', draw: ' 20 ' } as const;
    expect(sweepRequest(full)).toEqual({
      values: {},
      metric: 'loss',
      direction: 'maximize',
      draw: 20
    });
    expect(sweepRequest({ ...sweep, draw: 'many' })).toEqual({ values: {} });
    expect(['1', '0', '-1', '1.5', ''].map(isCount)).toEqual([true, false, false, false, false]);
  });
});

describe('the form as it opens', () => {
  const alpha: IParameter = { name: 'alpha', type: 'float', default: 1 };
  const title: IParameter = { name: 'title', type: 'str', default: 'a, b' };
  const model: IParameter = {
    name: 'model',
    type: 'str',
    default: 'ridge',
    choices: ['ridge', 'x,y']
  };

  it('holds what was changed for a single run, and compares as the last sweep did', () => {
    const last = run([], { direction: 'maximize', metric: 'auc' });
    expect(firstSweep([alpha, title], { alpha: '0.5', title: 'c, d' }, [last])).toEqual({
      values: { alpha: '0.5', title: '"c, d"' },
      metric: 'auc',
      direction: 'maximize',
      draw: ''
    });
  });

  it('quotes a text that would be taken for several', () => {
    expect(typed(title, 'say "x", y')).toBe('\'say "x", y\'');
    expect(typed(title, 'plain')).toBe('plain');
    expect(typed(model, '"x,y"')).toBe('"x,y"');
    expect(typed(alpha, null)).toBe('none');
    expect(kept(title)).toBe('"a, b"');
  });

  it('offers all values where they are few', () => {
    expect(allValues(model)).toBe('ridge, "x,y"');
    expect(allValues({ name: 'f', type: 'bool', default: false })).toBe('true, false');
    expect(allValues(alpha)).toBe('');
  });
});

describe('the table', () => {
  const found = [
    combination('a', { metrics: { loss: 3 } }),
    combination('b', { state: 'failed', metrics: { loss: 0 } }),
    combination('c', { metrics: { loss: 1, width: 2 }, state: 'up-to-date' }),
    combination('d')
  ];

  it('has the best first once it is over, and what has no metric last', () => {
    expect(labels(run(found))).toEqual(['c', 'a', 'b', 'd']);
    expect(labels(run(found, { direction: 'maximize' }))).toEqual(['a', 'c', 'b', 'd']);
    expect(labels(run(found, {}, { state: 'running' }))).toEqual(['a', 'b', 'c', 'd']);
    expect(labels(run(found, { metric: null }))).toEqual(['a', 'b', 'c', 'd']);
  });

  it('shows the metric that counts, or else the first ones', () => {
    expect(shownMetrics(run(found).sweep!)).toEqual(['loss']);
    expect(shownMetrics(run(found, { metric: null }).sweep!)).toEqual(['loss', 'width']);
    expect(metricNames([run(found)])).toEqual(['loss', 'width']);
    expect(metricsOf(run(found, { value: 1 }))).toEqual([['loss', 1]]);
    expect(metricsOf(run(found))).toEqual([]);
  });

  it('counts the combinations that need nothing more', () => {
    expect(overCount(run([...found, combination('e', { over: 1 })]).sweep!)).toBe(4);
  });
});

describe('the graph', () => {
  it('shows of each step what matters most among its combinations', () => {
    const tasks = [task('load', 'done'), task('judge [a]', 'done'), task('judge [b]', 'running')];
    const states = stepTasks(run([combination('a'), combination('b')], {}, { tasks }));
    expect(states.map(one => [one.name, one.state])).toEqual([
      ['load', 'done'],
      ['judge', 'running']
    ]);
    const plain = { tasks } as unknown as IRun;
    expect(stepTasks(plain)).toBe(tasks);
  });
});
