// One schedule in the list: when it is due, what became of its times, and what can be done with it.

import { deleteIcon, editIcon, runIcon } from '@jupyterlab/ui-components';
import { memo } from 'react';
import type { ISchedule, ITick } from '../api/types';
import { usePanel } from '../panel/context';
import { duration } from '../panel/format';
import { IconButton } from '../panel/views/iconButton';
import { StateMark, stateWord } from '../panel/views/marks';
import { pauseIcon, resumeIcon } from '../theme/pipelineIcons';
import { removeSchedule } from './change';
import { draftOf } from './draft';
import type { IChosenTick, SchedulesModel } from './model';
import { Strip } from './strip';
import { TickDetails } from './tick';
import { Until } from './until';

interface IItemProps {
  schedule: ISchedule;
  busy: boolean;
  chosen: IChosenTick | null;
  /** All its past times, if they are shown; the latest ones otherwise. */
  history: readonly ITick[] | undefined;
  model: SchedulesModel;
}

export const ScheduleItem = memo(function ScheduleItem(props: IItemProps) {
  const { schedule, busy, chosen, history, model } = props;
  const { trans } = usePanel();
  const { label, pipeline, name, words, ticks } = schedule;
  const last = ticks.find(one => one.state !== 'queued');
  const shown = chosen && (history ?? ticks).find(one => one.id === chosen.tick);
  return (
    <li
      className="cellmill-Schedule"
      data-label={label}
      data-full={history ? true : undefined}
      aria-busy={busy}
    >
      <div className="cellmill-Schedule-row">
        <div className="cellmill-Schedule-what">
          <h3 title={label}>
            <span className="cellmill-Schedule-pipeline">{pipeline}/</span>
            {name}
          </h3>
          <p title={words ?? undefined}>{words ?? trans.__('When it is due can’t be read.')}</p>
        </div>
        <div className="cellmill-Schedule-when">
          <Next schedule={schedule} />
          {last ? <Last tick={last} /> : null}
        </div>
        <Strip schedule={schedule} history={history} chosen={shown?.id ?? null} model={model} />
        <Tools schedule={schedule} busy={busy} model={model} />
      </div>
      {chosen && shown ? <TickDetails schedule={schedule} tick={shown} chosen={chosen} /> : null}
      <span className="cellmill-Hidden" role="status">
        {busy ? trans.__('Working on %1', label) : ''}
      </span>
    </li>
  );
});

function Next({ schedule }: { schedule: ISchedule }) {
  const { trans } = usePanel();
  const { declared, enabled, paused, next, next_words: words, stored, entry } = schedule;
  if (paused || !enabled) {
    return (
      <p>
        <span className="cellmill-Tag" data-kind="warning">
          {paused ? trans.__('paused') : trans.__('not enabled')}
        </span>
      </p>
    );
  }
  const former = !declared ? (
    <span
      className="cellmill-Tag"
      data-kind="warning"
      title={
        entry
          ? trans.__('What stands in the file is wrong: what it was before goes on.')
          : trans.__('It is not in the file any more, or in a form that can’t be changed here.')
      }
    >
      {stored ? trans.__('as before') : trans.__('wrong')}
    </span>
  ) : null;
  if (!declared && !stored) {
    return <p>{former}</p>;
  }
  return (
    <p title={stored ? undefined : trans.__('A scheduler reads it within seconds.')}>
      {next === null || words === null ? (
        <span className="cellmill-Muted">
          {entry?.after
            ? trans.__('Waits for a run of %1', String(entry.after))
            : trans.__('Waits for a file')}
        </span>
      ) : (
        <>
          {trans.__('Next')} <strong>{words}</strong>{' '}
          <span className="cellmill-Muted">
            <Until moment={next} />
          </span>
        </>
      )}{' '}
      {former}
    </p>
  );
}

function Last({ tick }: { tick: ITick }) {
  const { trans } = usePanel();
  const took = tick.started !== null && tick.ended !== null ? tick.ended - tick.started : null;
  return (
    <p className="cellmill-Schedule-last" data-state={tick.state}>
      <StateMark state={tick.state} />
      <span>{stateWord(tick.state, trans)}</span>
      <span className="cellmill-Muted" title={tick.reason || undefined}>
        {tick.due_words}
        {took === null ? '' : ` · ${duration(took)}`}
      </span>
    </p>
  );
}

function Tools({ schedule, busy, model }: Omit<IItemProps, 'chosen' | 'history'>) {
  const { trans } = usePanel();
  const services = usePanel();
  const { label, declared, stored, entry, paused } = schedule;
  const known = declared || stored;
  return (
    <div
      className="cellmill-Schedule-tools"
      role="group"
      aria-label={trans.__('Actions for %1', label)}
    >
      <IconButton
        icon={runIcon}
        disabled={busy || !known}
        title={trans.__('Run now, once, besides its times')}
        label={trans.__('Run %1 now', label)}
        onClick={() => void model.act('run-now', schedule)}
      />
      <IconButton
        icon={paused ? resumeIcon : pauseIcon}
        disabled={busy || !known}
        title={
          paused
            ? trans.__('Resume: it is due again from now on')
            : trans.__('Pause: it is due no more until it is resumed')
        }
        label={paused ? trans.__('Resume %1', label) : trans.__('Pause %1', label)}
        onClick={() => void model.act(paused ? 'resume' : 'pause', schedule)}
      />
      <IconButton
        icon={editIcon}
        disabled={busy || !entry}
        title={trans.__('Edit')}
        label={trans.__('Edit %1', label)}
        onClick={() => model.edit(draftOf(schedule))}
      />
      <IconButton
        icon={deleteIcon}
        disabled={busy || !entry}
        title={trans.__('Delete…')}
        label={trans.__('Delete %1', label)}
        onClick={() => void removeSchedule(schedule, model, services)}
      />
    </div>
  );
}
