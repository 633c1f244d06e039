// Small signs that several views share: the states of runs and tasks, by icon and word, and times that go on.

import type { LabIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import { memo, useEffect, useState } from 'react';
import type { IRun, ITask, RunState, Severity, TaskState, TickState } from '../../api/types';
import {
  doneIcon,
  failedIcon,
  lostIcon,
  missedIcon,
  noteIcon,
  notRunIcon,
  runningStateIcon,
  stoppedIcon,
  upToDateIcon,
  waitingIcon,
  warningIcon
} from '../../theme/pipelineIcons';
import { ago, duration } from '../format';

type State = TaskState | RunState | TickState;

const ICONS: { readonly [state in State]: LabIcon } = {
  waiting: waitingIcon,
  queued: waitingIcon,
  running: runningStateIcon,
  done: doneIcon,
  succeeded: doneIcon,
  'up-to-date': upToDateIcon,
  failed: failedIcon,
  stopped: stoppedIcon,
  'not-run': notRunIcon,
  lost: lostIcon,
  refused: failedIcon,
  skipped: notRunIcon,
  missed: missedIcon
};

/** Which cell of a task runs, by its number in the notebook, and how far that is. */
export function cellWords(task: ITask, trans: TranslationBundle): string {
  const cell = Math.max(1, task.cell);
  if (task.number) {
    return trans.__('cell %1 (%2 of %3)', task.number, cell, task.cells);
  }
  return cell === task.cells
    ? trans.__('outputs (%1 of %2)', cell, task.cells)
    : trans.__('inputs (%1 of %2)', cell, task.cells);
}

/** What a run was, if it was no ordinary one. */
export function kindWord(kind: IRun['kind'], trans: TranslationBundle): string {
  return kind === 'sweep' ? trans.__('sweep') : trans.__('verify');
}

/** A state's word. */
export function stateWord(state: State, trans: TranslationBundle): string {
  switch (state) {
    case 'waiting':
      return trans.__('waiting');
    case 'queued':
      return trans.__('queued');
    case 'running':
      return trans.__('running');
    case 'done':
      return trans.__('done');
    case 'succeeded':
      return trans.__('succeeded');
    case 'up-to-date':
      return trans.__('up to date');
    case 'failed':
      return trans.__('failed');
    case 'stopped':
      return trans.__('stopped');
    case 'not-run':
      return trans.__('not run');
    case 'lost':
      return trans.__('lost');
    case 'refused':
      return trans.__('refused');
    case 'skipped':
      return trans.__('skipped');
    case 'missed':
      return trans.__('missed');
  }
}

/** A state's sign; the word stands beside it, so it is hidden from those who listen. */
export const StateMark = memo(function StateMark({ state }: { state: State }) {
  const Icon = ICONS[state] ?? lostIcon;
  return (
    <span className="cellmill-Mark" data-state={state} aria-hidden="true">
      <Icon.react tag="span" />
    </span>
  );
});

const SEVERITY_ICONS: { readonly [severity in Severity]: LabIcon } = {
  error: failedIcon,
  warning: warningIcon,
  info: noteIcon
};

export function SeverityMark({ severity }: { severity: Severity }) {
  const Icon = SEVERITY_ICONS[severity] ?? noteIcon;
  return (
    <span className="cellmill-Mark" data-severity={severity} aria-hidden="true">
      <Icon.react tag="span" />
    </span>
  );
}

/** The time, drawn anew as it goes on. */
function useNow(milliseconds: number): number {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds]);
  return now;
}

/** How long ago a moment was, going on by itself. */
export function Ago({ moment }: { moment: number }) {
  useNow(15_000);
  return <>{ago(moment)}</>;
}

/** Seconds since a moment, going on by itself. */
export function Elapsed({ since }: { since: number }) {
  const now = useNow(1000);
  return <span className="cellmill-Elapsed">{duration(Math.max(0, now - since))}</span>;
}
