// What of an analysis makes the panel draw anew, and what the workspace's lists show.

import type { IAnalysis, IPipeline, IRun } from '../src/api/types';
import { alike, keepParts } from '../src/panel/state';
import { matching, withRun } from '../src/workspace/pipelines';

function analysis(more: Partial<IAnalysis> = {}): IAnalysis {
  return {
    steps: [],
    edges: [],
    roles: {},
    findings: [],
    parameters: [],
    undefined: [],
    pipeline: { name: 'p', folder: null, exists: false, current: null, verified: null },
    ready: true,
    milliseconds: 1,
    ...more
  };
}

describe('alike', () => {
  it('is blind to what is not drawn', () => {
    const other = analysis({
      milliseconds: 9,
      undefined: [{ name: 'x', cell_id: 'c', line: 1 }]
    });
    expect(alike(analysis(), other)).toBe(true);
  });

  it('sees what is', () => {
    expect(alike(analysis(), analysis({ ready: false }))).toBe(false);
    expect(alike(null, analysis())).toBe(false);
    expect(alike(null, null)).toBe(true);
  });
});

describe('keepParts', () => {
  it('gives unchanged parts the identity that they had', () => {
    const before = analysis({ parameters: [{ name: 'a', type: 'int', default: 1 }] });
    const now = analysis({
      parameters: [{ name: 'a', type: 'int', default: 1 }],
      pipeline: { name: 'p', folder: 'pipelines/p', exists: true, current: true, verified: null }
    });
    const kept = keepParts(before, now);
    expect(kept.parameters).toBe(before.parameters);
    expect(kept.steps).toBe(before.steps);
    expect(kept.pipeline).toBe(now.pipeline);
  });
});

describe('lists of pipelines', () => {
  const run = { pipeline: 'pipelines/churn', state: 'failed', started: 5 } as IRun;
  const pipelines = [
    { name: 'churn', folder: 'pipelines/churn', notebook: 'work/Churn.ipynb', last_run: null },
    { name: 'prices', folder: 'pipelines/prices', notebook: null, last_run: null }
  ] as IPipeline[];

  it('take a newer run, not an older one', () => {
    const [churn, prices] = withRun(pipelines, run);
    expect(churn.last_run).toBe(run);
    expect(prices).toBe(pipelines[1]);
    expect(withRun([churn], { ...run, started: 4 })[0].last_run).toBe(run);
  });

  it('are filtered by every word, in whatever case', () => {
    const names = (filter: string): string[] =>
      matching(withRun(pipelines, run), filter).map(one => one.name);
    expect(names('')).toEqual(['churn', 'prices']);
    expect(names(' CHURN failed')).toEqual(['churn']);
    expect(names('nothing')).toEqual([]);
  });
});
