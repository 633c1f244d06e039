// Which cells' results are out of date by the order in which cells ran: pure, over what was seen to run.

import type { IEdge, RoleKind } from '../api/types';

/** A code cell as it stands and as it last ran. */
export interface IRanCell {
  id: string;
  kind: RoleKind | null;
  /** The step's name, of steps and checks. */
  step: string | null;
  /** The kernel's count when it ran in the present session; null if it did not. */
  count: number | null;
  /** The count of the first of its last runs with the same text. */
  since: number | null;
  /** Whether its text differs from the text that ran. */
  edited: boolean;
}

/** Why a cell's result may be out of date. */
export interface IStale {
  id: string;
  reason: 'edited' | 'order';
  /** The cell above that ran later, for `order`. */
  because: string | null;
}

/**
 * The cells whose results may be out of date, in notebook order.
 *
 * A cell is out of order if a cell above it, on which it depends, ran after it. Without steps nothing is known of
 * what depends on what, so nothing is said of order.
 */
export function staleCells(cells: readonly IRanCell[], edges: readonly IEdge[]): IStale[] {
  const needs = upstreamOf(edges);
  const stale: IStale[] = [];
  // The latest run so far, from the top, of each step and of what all steps use.
  const latest = new Map<string, IRanCell>();
  for (const cell of cells) {
    if (cell.count === null) {
      continue;
    }
    if (cell.edited) {
      stale.push({ id: cell.id, reason: 'edited', because: null });
    } else {
      const newer = newest(sourcesOf(cell, needs).map(key => latest.get(key)));
      if (newer && effective(newer) > cell.count) {
        stale.push({ id: cell.id, reason: 'order', because: newer.id });
      }
    }
    const key = keyOf(cell);
    const before = key === null ? undefined : latest.get(key);
    if (key !== null && (!before || effective(before) < effective(cell))) {
      latest.set(key, cell);
    }
  }
  return stale;
}

const COMMON = ':common';

/** The run that others have to come after: imports and definitions that run again unchanged make nothing old. */
function effective(cell: IRanCell): number {
  return (keyOf(cell) === COMMON ? cell.since : cell.count) ?? 0;
}

/** Under which key others look for a cell's run; null for cells that no other depends on. */
function keyOf(cell: IRanCell): string | null {
  if (cell.kind === 'shared' || cell.kind === 'parameters') {
    return COMMON;
  }
  return cell.kind === 'step' ? cell.step : null;
}

function sourcesOf(cell: IRanCell, needs: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  if (cell.kind === 'shared' || cell.kind === 'parameters') {
    return [COMMON];
  }
  if ((cell.kind === 'step' || cell.kind === 'check') && cell.step !== null) {
    return [COMMON, cell.step, ...(needs.get(cell.step) ?? [])];
  }
  return [];
}

function newest(cells: readonly (IRanCell | undefined)[]): IRanCell | undefined {
  const ran = cells.filter(cell => cell !== undefined);
  return ran.sort((one, other) => effective(other) - effective(one))[0];
}

/** All steps that a step needs, directly or through others. */
function upstreamOf(edges: readonly IEdge[]): Map<string, Set<string>> {
  const direct = new Map<string, string[]>();
  for (const edge of edges) {
    direct.set(edge.consumer, [...(direct.get(edge.consumer) ?? []), edge.provider]);
  }
  const all = new Map<string, Set<string>>();
  for (const step of direct.keys()) {
    const found = new Set<string>();
    const open = [...(direct.get(step) ?? [])];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (!found.has(next)) {
        found.add(next);
        open.push(...(direct.get(next) ?? []));
      }
    }
    all.set(step, found);
  }
  return all;
}
