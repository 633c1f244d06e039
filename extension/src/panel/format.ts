// Durations, moments, values and paths as a person reads them.

import { PathExt, Time } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IPromotion } from '../api/types';

/** A duration in seconds, such as `0.4 s`, `12 s`, `3 min 5 s`, `1 h 2 min`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) {
    return `${seconds.toFixed(1)} s`;
  }
  const whole = Math.round(seconds);
  if (whole < 60) {
    return `${whole} s`;
  }
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A moment (seconds since the epoch) as seen from now, such as `5 minutes ago`. */
export function ago(moment: number): string {
  return Time.formatHuman(new Date(moment * 1000));
}

/** A moment in full. */
export function when(moment: number): string {
  return new Date(moment * 1000).toLocaleString();
}

/** A value of a parameter, on one line. */
export function value(one: unknown): string {
  return typeof one === 'string' ? one : (JSON.stringify(one) ?? '');
}

/** A number of a metric: four digits that count. */
export function metric(one: number): string {
  return Number.isInteger(one) ? String(one) : String(Number(one.toPrecision(4)));
}

/** A notebook's name without folder and ending. */
export function notebookName(path: string): string {
  return PathExt.basename(path, '.ipynb');
}

/** What became of edits made by hand in a pipeline, in sentences; none if there are no edits. */
export function editsTold(
  made: Pick<IPromotion, 'merged' | 'kept' | 'orphans' | 'lost'>,
  trans: TranslationBundle
): string[] {
  const told = [];
  if (made.merged.length) {
    told.push(trans.__('Edits made by hand were merged in %1.', made.merged.join(', ')));
  }
  if (made.kept.length) {
    told.push(trans.__('Edited by hand, and kept: %1.', made.kept.join(', ')));
  }
  if (made.orphans.length) {
    told.push(
      trans.__('Edited by hand, and kept, but no run uses it now: %1.', made.orphans.join(', '))
    );
  }
  if (made.lost.length) {
    told.push(trans.__('Edits made by hand were thrown away in %1.', made.lost.join(', ')));
  }
  return told;
}
