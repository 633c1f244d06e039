// Runs: the server's snapshots folded into what the panel shows.

import type { IFailure, IRun, ITask } from '../src/api/types';
import {
  changedParameters,
  foldRun,
  foldRuns,
  lastSeconds,
  metricsOf,
  progressOf,
  shownRun
} from '../src/panel/runs';

function task(name: string, more: Partial<ITask> = {}): ITask {
  return {
    name,
    state: 'waiting',
    cell: 0,
    cells: 0,
    cell_id: null,
    attempt: 1,
    seconds: null,
    began: null,
    metrics: {},
    notebook: null,
    report: null,
    failure: null,
    ...more
  };
}

function run(id: string, started: number, more: Partial<IRun> = {}): IRun {
  return {
    run_id: id,
    kind: 'run',
    pipeline: 'pipelines/p',
    name: 'p',
    state: 'running',
    started,
    ended_at: null,
    seconds: null,
    parameters: {},
    profile: null,
    source: 'lab',
    message: null,
    mlflow: null,
    tasks: [],
    ...more
  };
}

const failure: IFailure = {
  sentence: 'It failed.',
  kind: 'error',
  notebook: 'p.ipynb',
  cell: 3,
  cell_id: 'c3',
  line: 1,
  error: 'ValueError',
  value: 'no',
  traceback: '',
  executed: null,
  report: null
};

describe('foldRun', () => {
  it('keeps the newest first and replaces what it knows', () => {
    let runs = foldRun([], run('a', 1));
    runs = foldRun(runs, run('b', 2));
    runs = foldRun(runs, run('a', 1, { state: 'succeeded' }));
    expect(runs.map(one => [one.run_id, one.state])).toEqual([
      ['b', 'running'],
      ['a', 'succeeded']
    ]);
  });

  it('lets no late snapshot revive a finished run', () => {
    const runs = foldRun([run('a', 1, { state: 'failed' })], run('a', 1));
    expect(runs[0].state).toBe('failed');
  });

  it('keeps a traceback that the events leave out', () => {
    const told = run('a', 1, {
      state: 'failed',
      tasks: [task('x', { state: 'failed', failure: { ...failure, traceback: 'Traceback' } })]
    });
    const event = run('a', 1, {
      state: 'failed',
      tasks: [task('x', { state: 'failed', failure })]
    });
    expect(foldRun([told], event)[0].tasks[0].failure?.traceback).toBe('Traceback');
  });
});

describe('foldRuns', () => {
  it('keeps a run that began while the list was on its way, and forgets pruned ones', () => {
    const known = [run('new', 3), run('pruned', 1, { state: 'succeeded' })];
    const runs = foldRuns(known, [run('b', 2, { state: 'succeeded' })]);
    expect(runs.map(one => one.run_id)).toEqual(['new', 'b']);
  });
});

describe('what is read from runs', () => {
  it('shows the chosen one, else one that goes on, else the newest', () => {
    const runs = [run('c', 3, { state: 'failed' }), run('b', 2), run('a', 1)];
    expect(shownRun(runs, 'a')?.run_id).toBe('a');
    expect(shownRun(runs, null)?.run_id).toBe('b');
    expect(shownRun(runs, 'gone')?.run_id).toBe('b');
    expect(shownRun([], null)).toBeNull();
  });

  it('takes the last duration from the last run that did the task', () => {
    const runs = [
      run('b', 2, { tasks: [task('x', { state: 'up-to-date', seconds: 0 })] }),
      run('a', 1, { tasks: [task('x', { state: 'done', seconds: 7 })] })
    ];
    expect(lastSeconds(runs).get('x')).toBe(7);
  });

  it('counts progress by cells', () => {
    const one = run('a', 1, {
      tasks: [
        task('x', { state: 'done' }),
        task('y', { state: 'running', cell: 3, cells: 4 }),
        task('z'),
        task('w')
      ]
    });
    expect(progressOf(one)).toMatchObject({ done: 1, tasks: 4, part: 0.375 });
    expect(progressOf(run('b', 1)).part).toBe(0);
  });

  it('tells parameters that differ from the defaults', () => {
    const one = run('a', 1, { parameters: { x: 1, y: [1], old: 2 } });
    expect(
      changedParameters(one, [
        { name: 'x', type: 'int', default: 1 },
        { name: 'y', type: 'list', default: [] }
      ])
    ).toEqual([
      ['y', [1]],
      ['old', 2]
    ]);
  });

  it('gathers metrics that are numbers', () => {
    const one = run('a', 1, { tasks: [task('x', { metrics: { accuracy: 0.9, note: 'high' } })] });
    expect(metricsOf(one)).toEqual([['accuracy', 0.9]]);
  });
});
