// Two versions of a file side by side, line against line, with long equal parts folded away.

import { diffLines } from 'diff';

export type RowKind = 'same' | 'changed' | 'added' | 'removed' | 'folded';

export interface IRow {
  kind: RowKind;
  /** Line numbers (from 1) and texts; null where one side has no such line. */
  before: { line: number; text: string } | null;
  after: { line: number; text: string } | null;
  /** How many equal lines are folded away. */
  folded: number;
}

/** Equal lines that stay around a difference. */
const CONTEXT = 3;
/** A file that is larger is told, not shown: nobody reads it in a dialog. */
export const LONGEST = 400_000;

/** Rows of a two-column view. */
export function compareLines(before: string, after: string): readonly IRow[] {
  const rows: IRow[] = [];
  let left = 0;
  let right = 0;
  let removed: string[] = [];
  const flush = (added: string[]): void => {
    const count = Math.max(removed.length, added.length);
    for (let i = 0; i < count; i++) {
      const old = i < removed.length ? { line: ++left, text: removed[i] } : null;
      const now = i < added.length ? { line: ++right, text: added[i] } : null;
      rows.push({
        kind: old && now ? 'changed' : old ? 'removed' : 'added',
        before: old,
        after: now,
        folded: 0
      });
    }
    removed = [];
  };
  for (const part of diffLines(before, after)) {
    const lines = splitLines(part.value);
    if (part.removed) {
      removed.push(...lines);
    } else if (part.added) {
      flush(lines);
    } else {
      flush([]);
      lines.forEach(text =>
        rows.push({
          kind: 'same',
          before: { line: ++left, text },
          after: { line: ++right, text },
          folded: 0
        })
      );
    }
  }
  flush([]);
  return foldEqual(rows);
}

function splitLines(text: string): string[] {
  const lines = text.split('\n');
  if (lines[lines.length - 1] === '') {
    lines.pop();
  }
  return lines;
}

function foldEqual(rows: readonly IRow[]): readonly IRow[] {
  const near = new Set<number>();
  rows.forEach((row, index) => {
    if (row.kind !== 'same') {
      for (let i = index - CONTEXT; i <= index + CONTEXT; i++) {
        near.add(i);
      }
    }
  });
  const shown: IRow[] = [];
  let folded = 0;
  const fold = (): void => {
    if (folded) {
      shown.push({ kind: 'folded', before: null, after: null, folded });
      folded = 0;
    }
  };
  rows.forEach((row, index) => {
    if (near.has(index)) {
      fold();
      shown.push(row);
    } else {
      folded += 1;
    }
  });
  fold();
  return shown;
}
