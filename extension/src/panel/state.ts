// What the pipeline panel shows, as one value: views read it, the model alone makes the next one.

import type { IAnalysis, IPipeline, IPromotion, IRun } from '../api/types';
import type { Draft } from './form';
import type { ISweepDraft } from './sweep';

/** What is known of the notebook in front. */
export type Subject =
  /** No notebook is open. */
  | 'none'
  /** The notebook is written in another language. */
  | 'other-language'
  /** The first answer of the server is on its way. */
  | 'loading'
  /** cellmill's server half is not there. */
  | 'missing'
  /** The server doesn't answer, or refuses. */
  | 'unreachable'
  | 'shown';

/** What came of the last promotion that the panel saw. */
export interface IPromoted extends IPromotion {
  notebook: string;
}

export interface IPanelState {
  subject: Subject;
  /** Path of the notebook, below the server's root. */
  path: string;
  /** Why there is no answer, or none to the last change; a sentence. */
  error: string;
  /** Whether the server did not answer at all. */
  unreachable: boolean;
  analysis: IAnalysis | null;
  /** Folder of the promoted pipeline; empty if there is none. */
  folder: string;
  pipeline: IPipeline | null;
  runs: readonly IRun[];
  /** The run that is drawn in the graph. */
  run: IRun | null;
  /** Whether the user chose that run, rather than the newest. */
  chosen: boolean;
  /** What the user changed in the run form. */
  draft: Draft;
  profile: string | null;
  /** What a sweep is to try; null while the form is that of a single run. */
  sweep: ISweepDraft | null;
  promoting: boolean;
  promoted: IPromoted | null;
  /** Why the last promotion could not be done; a sentence. */
  obstacle: string;
  starting: boolean;
  /** Why the last request of the user could not be carried out; a sentence. */
  refusal: string;
}

export const NOTHING: IPanelState = {
  subject: 'none',
  path: '',
  error: '',
  unreachable: false,
  analysis: null,
  folder: '',
  pipeline: null,
  runs: [],
  run: null,
  chosen: false,
  draft: {},
  profile: null,
  sweep: null,
  promoting: false,
  promoted: null,
  obstacle: '',
  starting: false,
  refusal: ''
};

/** Whether two analyses would be shown alike: most keystrokes change nothing that is drawn. */
export function alike(a: IAnalysis | null, b: IAnalysis | null): boolean {
  if (a === b || !a || !b) {
    return a === b;
  }
  return comparable(a) === comparable(b);
}

function comparable(analysis: IAnalysis): string {
  return JSON.stringify({ ...analysis, milliseconds: 0, undefined: [] });
}

/** The analysis, with those parts taken from the one before that did not change: views compare by identity. */
export function keepParts(before: IAnalysis | null, now: IAnalysis): IAnalysis {
  if (!before) {
    return now;
  }
  const keep = <T>(old: T, next: T): T =>
    JSON.stringify(old) === JSON.stringify(next) ? old : next;
  return {
    ...now,
    steps: keep(before.steps, now.steps),
    edges: keep(before.edges, now.edges),
    findings: keep(before.findings, now.findings),
    ignored: keep(before.ignored, now.ignored),
    parameters: keep(before.parameters, now.parameters),
    pipeline: keep(before.pipeline, now.pipeline)
  };
}
