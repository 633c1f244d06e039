// What cellmill's plugins share with each other, and with other extensions.

import type { NotebookPanel } from '@jupyterlab/notebook';
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import type { NotebookAnalysis } from './analysis';
import type { Client } from './api/client';
import type { ServerEvents } from './api/events';

/** The server, its events, and what is known of each open notebook. */
export interface ICellmill {
  readonly client: Client;
  readonly events: ServerEvents;

  /** The notebook that the user works in; null if there is none. */
  readonly current: NotebookAnalysis | null;

  /** Another notebook became the current one. */
  readonly currentChanged: ISignal<ICellmill, NotebookAnalysis | null>;

  /** What is known of a notebook. */
  of(panel: NotebookPanel): NotebookAnalysis;
}

export const ICellmill = new Token<ICellmill>(
  'cellmill:ICellmill',
  "cellmill's server and the analyses of the open notebooks."
);

/** The commands that several plugins use; their arguments are in the files that add them. */
export namespace CommandIDs {
  export const setRole = 'cellmill:set-role';
  export const chooseRole = 'cellmill:choose-role';
  export const suggestSteps = 'cellmill:suggest-steps';
  export const promote = 'cellmill:promote';
  export const runPipeline = 'cellmill:run-pipeline';
  export const showPipeline = 'cellmill:show-pipeline';
  export const showPipelines = 'cellmill:show-pipelines';
  export const showSchedules = 'cellmill:show-schedules';
  export const schedulePipeline = 'cellmill:schedule-pipeline';
  export const scheduleNotebook = 'cellmill:schedule-notebook';
  export const goToCell = 'cellmill:go-to-cell';
  export const reproduce = 'cellmill:reproduce';
  export const nextFinding = 'cellmill:next-finding';
  export const previousFinding = 'cellmill:previous-finding';
}
