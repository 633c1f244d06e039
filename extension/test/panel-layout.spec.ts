// The graph's layout: structure in, places out.

import type { IEdge } from '../src/api/types';
import { LayoutMemo, NODE_HEIGHT, edgeLabel, layoutGraph, pathThrough } from '../src/panel/layout';

function edge(provider: string, consumer: string, ...variables: string[]): IEdge {
  return {
    provider,
    consumer,
    variables,
    order: !variables.length,
    reasons: variables.length ? [] : ['both write files'],
    evidence: 'static'
  };
}

describe('layoutGraph', () => {
  it('puts a consumer below its provider', () => {
    const { nodes, height } = layoutGraph(['load', 'train'], [edge('load', 'train', 'x')]);
    const [load, train] = [nodes.get('load')!, nodes.get('train')!];
    expect(train.y).toBeGreaterThanOrEqual(load.y + NODE_HEIGHT);
    expect(height).toBeGreaterThan(train.y);
  });

  it('joins an edge of variables with one of order', () => {
    const { edges } = layoutGraph(['a', 'b'], [edge('a', 'b', 'x'), edge('a', 'b')]);
    expect(edges).toHaveLength(1);
    expect(edges[0].edge).toMatchObject({ variables: ['x'], order: false });
    expect(edges[0].edge.reasons).toEqual(['both write files']);
  });

  it('leaves out an edge to a step that is not there', () => {
    expect(layoutGraph(['a'], [edge('a', 'gone', 'x')]).edges).toEqual([]);
  });

  it('takes any name for a step', () => {
    const names = ['__proto__', 'constructor', '<b>x</b>', ''];
    const { nodes } = layoutGraph(names, [edge('__proto__', 'constructor', 'x')]);
    expect([...nodes.keys()]).toEqual(names);
    expect([...nodes.values()].every(one => Number.isFinite(one.x + one.y))).toBe(true);
  });

  it('places nothing for no step', () => {
    expect(layoutGraph([], []).nodes.size).toBe(0);
  });

  it('bears a cycle, which a half-typed notebook may have', () => {
    const { nodes } = layoutGraph(['a', 'b'], [edge('a', 'b', 'x'), edge('b', 'a', 'y')]);
    expect(nodes.size).toBe(2);
  });

  it('leads shortcuts along lanes, so that a chain stays narrow', () => {
    const steps = Array.from({ length: 20 }, (_, i) => `s${i}`);
    const edges = steps.flatMap((name, i) =>
      [1, 3].filter(back => i >= back).map(back => edge(steps[i - back], name, `v${i}`))
    );
    const { nodes, width, nodeWidth } = layoutGraph(steps, edges);
    expect(new Set([...nodes.values()].map(one => one.x)).size).toBe(1);
    expect(width).toBeLessThan(2 * nodeWidth);
  });

  it('stays quick for a large notebook', () => {
    const steps = Array.from({ length: 120 }, (_, i) => `step_${i}`);
    const edges = steps.flatMap((name, i) =>
      [1, 2, 7].filter(back => i >= back).map(back => edge(steps[i - back], name, `v${i}`))
    );
    const began = performance.now();
    layoutGraph(steps, edges);
    expect(performance.now() - began).toBeLessThan(1500);
  });
});

describe('LayoutMemo', () => {
  it('computes once for one structure', () => {
    const memo = new LayoutMemo();
    const first = memo.get(['a', 'b'], [edge('a', 'b', 'x')], 'order');
    expect(memo.get(['a', 'b'], [edge('a', 'b', 'x')], 'order')).toBe(first);
    expect(memo.get(['a', 'b'], [edge('a', 'b', 'y')], 'order')).not.toBe(first);
  });
});

describe('edgeLabel', () => {
  it('names the first variable and counts the others', () => {
    expect(edgeLabel(edge('a', 'b', 'x', 'y', 'z'), 'order')).toBe('x +2');
    expect(edgeLabel(edge('a', 'b'), 'order')).toBe('order');
    expect(edgeLabel(edge('a', 'b', 'x'.repeat(80)), 'order')).toHaveLength(18);
  });
});

describe('pathThrough', () => {
  it('begins and ends where it should', () => {
    const points = [
      { x: 0, y: 0 },
      { x: 5, y: 10 },
      { x: 0, y: 20 }
    ];
    expect(pathThrough(points)).toBe('M0,0Q5,10 0,20');
    expect(pathThrough(points.slice(0, 2))).toBe('M0,0L5,10');
    expect(pathThrough([])).toBe('');
  });
});
