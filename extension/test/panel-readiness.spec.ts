// Findings grouped for reading, and files compared line by line.

import type { IFinding, Severity } from '../src/api/types';
import { compareLines } from '../src/panel/lines';
import { countFindings, groupFindings, putTogether } from '../src/panel/readiness';

function finding(severity: Severity, cell: number | null, line: number | null = null): IFinding {
  return {
    code: 'CM201',
    kind: 'undefined-name',
    severity,
    message: '`x` is not defined',
    remedy: 'define it',
    step: null,
    name: 'x',
    cell,
    cell_id: cell === null ? null : `c${cell}`,
    line
  };
}

describe('groupFindings', () => {
  const findings = [
    finding('info', 1),
    finding('error', 9),
    finding('error', 2, 5),
    finding('error', 2, 1),
    finding('error', null)
  ];

  it('puts the gravest first, in notebook order', () => {
    const groups = groupFindings(findings);
    expect(groups.map(one => one.severity)).toEqual(['error', 'info']);
    expect(groups[0].findings.map(one => [one.cell, one.line])).toEqual([
      [null, null],
      [2, 1],
      [2, 5],
      [9, null]
    ]);
  });

  it('counts', () => {
    expect(countFindings(findings)).toEqual({ error: 4, warning: 0, info: 1 });
  });
});

describe('putTogether', () => {
  it('keeps one text for what is said of several places, and what can be fixed alone', () => {
    const fixed = { ...finding('error', 5), fixes: [{ label: 'Tag it' }] } as unknown as IFinding;
    const groups = putTogether([
      finding('error', 1, 2),
      fixed,
      finding('error', 3),
      finding('info', 4)
    ]);
    expect(groups.map(group => group.map(one => one.cell))).toEqual([[1, 3], [5], [4]]);
  });
});

describe('compareLines', () => {
  it('sets changed lines against each other', () => {
    const rows = compareLines('a\nb\nc\n', 'a\nB\nc\nd\n');
    expect(rows.map(one => [one.kind, one.before?.text, one.after?.text])).toEqual([
      ['same', 'a', 'a'],
      ['changed', 'b', 'B'],
      ['same', 'c', 'c'],
      ['added', undefined, 'd']
    ]);
    expect(rows[3].after?.line).toBe(4);
  });

  it('folds long equal parts', () => {
    const many = Array.from({ length: 40 }, (_, i) => `line ${i}`);
    const rows = compareLines(many.join('\n'), [...many, 'end'].join('\n'));
    expect(rows[0]).toMatchObject({ kind: 'folded' });
    expect(rows.length).toBeLessThan(12);
  });

  it('folds everything of equal files', () => {
    expect(compareLines('a\nb', 'a\nb')).toEqual([
      { kind: 'folded', before: null, after: null, folded: 2 }
    ]);
  });
});
