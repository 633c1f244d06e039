// Lists of pipelines: what a filter leaves of them, and a run's place in them.

import type { IPipeline, IRun, ISchedule } from '../api/types';

/** Pipelines with this run as the last one of its own. */
export function withRun(pipelines: readonly IPipeline[], run: IRun): readonly IPipeline[] {
  return pipelines.map(one =>
    one.folder === run.pipeline && (one.last_run === null || one.last_run.started <= run.started)
      ? { ...one, last_run: run }
      : one
  );
}

/** Pipelines whose name, folder, notebook or last run's state holds every word of the filter. */
export function matching(pipelines: readonly IPipeline[], filter: string): readonly IPipeline[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return pipelines.filter(one => {
    const text = [one.name, one.folder, one.notebook, one.last_run?.state].join(' ').toLowerCase();
    return words.every(word => text.includes(word));
  });
}

/** Of a pipeline's schedules the one that is due first; none if none will be due. */
export function nextOf(schedules: readonly ISchedule[], folder: string): ISchedule | undefined {
  return schedules
    .filter(one => one.folder === folder && one.next !== null && one.next_words !== null)
    .sort((one, other) => one.next! - other.next!)[0];
}
