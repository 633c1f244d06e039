// Which cells' results are out of date, and what is asked of the kernel.

import { expressionFor, namesIn } from '../src/notebook/kernelNames';
import { staleCells, type IRanCell } from '../src/notebook/runOrder';
import type { IEdge, RoleKind } from '../src/api/types';

const cell = (
  id: string,
  kind: RoleKind | null,
  step: string | null,
  count: number | null,
  more: Partial<IRanCell> = {}
): IRanCell => ({ id, kind, step, count, since: count, edited: false, ...more });

const edge = (provider: string, consumer: string): IEdge => ({
  provider,
  consumer,
  variables: [],
  order: false,
  reasons: [],
  evidence: 'static'
});

const EDGES = [edge('load', 'train'), edge('train', 'report')];
const told = (cells: IRanCell[]) =>
  staleCells(cells, EDGES).map(one => [one.id, one.reason, one.because]);

it('says nothing of a notebook run from top to bottom, nor of one without steps', () => {
  expect(told([cell('a', 'step', 'load', 1), cell('b', 'step', 'train', 2)])).toEqual([]);
  expect(told([cell('a', null, null, 5), cell('b', null, null, 2)])).toEqual([]);
});

it('follows a step through others to all that need it, and only to them', () => {
  const cells = [
    cell('a', 'step', 'load', 9),
    cell('b', 'step', 'other', 2),
    cell('c', 'step', 'train', 3),
    cell('d', 'check', 'train', 4),
    cell('e', 'step', 'report', 5),
    cell('f', 'step', 'report', null)
  ];
  expect(told(cells)).toEqual([
    ['c', 'order', 'a'],
    ['d', 'order', 'a'],
    ['e', 'order', 'a']
  ]);
});

it('looks at cells of one step, and names the one that ran last', () => {
  const cells = [
    cell('a', 'step', 'load', 4),
    cell('b', 'step', 'load', 6),
    cell('c', 'step', 'load', 5)
  ];
  expect(told(cells)).toEqual([['c', 'order', 'b']]);
});

it('takes imports that ran again unchanged for the same', () => {
  const step = cell('b', 'step', 'load', 3);
  expect(told([cell('a', 'shared', null, 7, { since: 1 }), step])).toEqual([]);
  expect(told([cell('a', 'shared', null, 7, { since: 7 }), step])).toEqual([['b', 'order', 'a']]);
});

it('marks cells edited since they ran, once', () => {
  const cells = [cell('a', 'step', 'load', 9), cell('b', 'step', 'train', 2, { edited: true })];
  expect(told(cells)).toEqual([['b', 'edited', null]]);
});

it('asks the kernel for identifiers only', () => {
  expect(expressionFor(['x', "'); import os #", 'données'])).toBe(
    "','.join(n for n in ('x','données',) if n in globals())"
  );
  expect(namesIn("'x,y'")).toEqual(['x', 'y']);
  expect(namesIn("''")).toEqual([]);
  expect(namesIn(undefined)).toEqual([]);
});
