// One time of a schedule in full: what was due, what ran, and of a failed run the way to its source cell.

import { Button, notebookIcon } from '@jupyterlab/ui-components';
import type { ISchedule, ITick } from '../api/types';
import { usePanel } from '../panel/context';
import { duration } from '../panel/format';
import { failedTask } from '../panel/runs';
import { FailureView } from '../panel/views/failure';
import { StateMark, stateWord } from '../panel/views/marks';
import { Prose } from '../panel/views/prose';
import type { IChosenTick } from './model';
import { causeWords } from './words';

interface IDetailsProps {
  schedule: ISchedule;
  tick: ITick;
  chosen: IChosenTick;
}

export function TickDetails({ schedule, tick, chosen }: IDetailsProps) {
  const { trans, actions, model } = usePanel();
  const { run, error } = chosen;
  const task = run && failedTask(run);
  const late = tick.started === null ? null : Math.max(0, tick.started - tick.due);
  const took = tick.started !== null && tick.ended !== null ? tick.ended - tick.started : null;
  return (
    <div
      className="cellmill-Run cellmill-TickDetails"
      data-state={tick.state}
      role="region"
      aria-label={trans.__('Run of %1, due %2', schedule.label, tick.due_words)}
    >
      <div className="cellmill-Run-head">
        <StateMark state={tick.state} />
        <strong>{stateWord(tick.state, trans)}</strong>
        <span className="cellmill-Run-time">
          {tick.count > 1 && tick.until
            ? trans.__('%1 times, from %2 to %3', tick.count, tick.due_words, tick.until)
            : trans.__('due %1', tick.due_words)}
        </span>
      </div>
      {tick.reason && !task ? (
        <p className="cellmill-Run-message">
          <Prose text={tick.reason} />
        </p>
      ) : null}
      <dl className="cellmill-TickFacts">
        <dt>{trans.__('Why')}</dt>
        <dd>{causeWords(tick, trans)}</dd>
        {late !== null ? (
          <>
            <dt>{trans.__('Started')}</dt>
            <dd>{trans.__('%1 after it was due', duration(late))}</dd>
          </>
        ) : null}
        {took !== null ? (
          <>
            <dt>{trans.__('Took')}</dt>
            <dd>{duration(took)}</dd>
          </>
        ) : null}
        {tick.attempt > 1 ? (
          <>
            <dt>{trans.__('Attempts')}</dt>
            <dd>{tick.attempt}</dd>
          </>
        ) : null}
        {tick.snapshot ? (
          <>
            <dt>{trans.__('Code')}</dt>
            <dd>{tick.snapshot}</dd>
          </>
        ) : null}
        {tick.run_id ? (
          <>
            <dt>{trans.__('Run')}</dt>
            <dd>{tick.run_id}</dd>
          </>
        ) : null}
      </dl>
      {error ? (
        <p className="cellmill-Muted">
          {trans.__('The record of this run can’t be shown: %1', error)}
        </p>
      ) : null}
      {run && task?.failure ? <FailureView run={run} failure={task.failure} task={task} /> : null}
      {run && schedule.notebook && !schedule.ordinary ? (
        <div className="cellmill-Form-buttons">
          <Button
            className="jp-mod-styled"
            title={trans.__('Open the notebook, and this run on its graph')}
            onClick={() => actions.showRun(schedule.notebook!, run.run_id, model)}
          >
            <notebookIcon.react tag="span" />
            {trans.__('Show this run')}
          </Button>
        </div>
      ) : null}
    </div>
  );
}
