// The tab of schedules as a whole: the list, or the form of one of them.

import { Button, InputGroup, addIcon, refreshIcon } from '@jupyterlab/ui-components';
import type { ISchedule, IScheduleProblem } from '../api/types';
import { useModel, usePanel } from '../panel/context';
import { Empty } from '../panel/views/empty';
import { IconButton } from '../panel/views/iconButton';
import { Prose } from '../panel/views/prose';
import { Unreachable } from '../panel/views/unreachable';
import { scheduleIcon } from '../theme/pipelineIcons';
import { newDraft } from './draft';
import { ScheduleForm } from './form';
import { ScheduleItem } from './item';
import { Levels } from './levels';
import type { ISchedulesState, SchedulesModel } from './model';

export interface IPartProps {
  model: SchedulesModel;
  state: ISchedulesState;
}

export function Schedules({ model }: { model: SchedulesModel }) {
  const { trans } = usePanel();
  const state = useModel(model);
  switch (state.subject) {
    case 'loading':
      return (
        <div className="cellmill-Loading" role="status">
          {trans.__('Looking for schedules…')}
        </div>
      );
    case 'missing':
    case 'unreachable':
      return (
        <Unreachable
          missing={state.subject === 'missing'}
          error={state.error}
          again={() => void model.refresh()}
        />
      );
    case 'shown':
      return state.draft ? (
        <ScheduleForm model={model} state={state} draft={state.draft} />
      ) : (
        <List model={model} state={state} />
      );
  }
}

function List({ model, state }: IPartProps) {
  const { trans } = usePanel();
  const { found, filter, pipelines } = state;
  const shown = matching(found.schedules, filter);
  const first = pipelines[0]?.folder;
  const make = first === undefined ? null : () => model.edit(newDraft(first));
  return (
    <div className="cellmill-Schedules-page">
      <div className="cellmill-Schedules-head">
        <h2>{trans.__('Schedules')}</h2>
        {found.schedules.length ? (
          <InputGroup
            type="text"
            rightIcon="ui-components:search"
            placeholder={trans.__('Filter by name or state')}
            aria-label={trans.__('Filter schedules by name or state')}
            value={filter}
            onChange={event => model.setFilter(event.currentTarget.value)}
          />
        ) : null}
        <IconButton
          icon={refreshIcon}
          title={trans.__('Look again')}
          onClick={() => void model.refresh()}
        />
        {make && found.schedules.length ? (
          <Button className="jp-mod-styled jp-mod-accept" onClick={make}>
            <addIcon.react tag="span" />
            {trans.__('New schedule')}
          </Button>
        ) : null}
      </div>
      <Notices state={state} />
      {found.levels.length ? <Levels levels={found.levels} /> : null}
      {found.schedules.length ? (
        shown.length ? (
          <ul className="cellmill-ScheduleList" aria-label={trans.__('Schedules')}>
            {shown.map(one => (
              <ScheduleItem
                key={one.id}
                schedule={one}
                busy={state.busy.has(one.id)}
                chosen={state.chosen?.schedule === one.id ? state.chosen : null}
                history={state.histories.get(one.id)}
                model={model}
              />
            ))}
          </ul>
        ) : (
          <p className="cellmill-Muted">{trans.__('No schedule is called so.')}</p>
        )
      ) : found.problems.length ? null : (
        <Empty icon={scheduleIcon} title={trans.__('No schedules yet')}>
          <p>
            {make
              ? trans.__(
                  'A schedule runs a pipeline at set times, when a file arrives, or after another pipeline.'
                )
              : trans.__('Promote a notebook to a pipeline, and it can be scheduled here.')}
          </p>
          {make ? (
            <Button className="jp-mod-styled jp-mod-accept" onClick={make}>
              <addIcon.react tag="span" />
              {trans.__('New schedule')}
            </Button>
          ) : null}
        </Empty>
      )}
    </div>
  );
}

/** What concerns more than one schedule: the server, schedulers, files that are wrong. */
function Notices({ state }: { state: ISchedulesState }) {
  const { trans } = usePanel();
  const { found, error, refusal, done } = state;
  const idle = found.projects.filter(
    one =>
      !one.schedulers.length &&
      found.schedules.some(schedule => schedule.project === one.root && schedule.enabled)
  );
  return (
    <div className="cellmill-Schedules-notices" aria-live="polite">
      {error ? (
        <p className="cellmill-Refusal" role="alert">
          {trans.__('This may be out of date: %1', error)}
        </p>
      ) : null}
      {refusal ? (
        <p className="cellmill-Refusal" role="alert">
          <Prose text={refusal} />
        </p>
      ) : null}
      {done ? <p className="cellmill-Done">{done}</p> : null}
      {found.projects.map(one =>
        one.problem ? (
          <p key={one.root} className="cellmill-Refusal" role="alert">
            <Prose text={one.problem} />
          </p>
        ) : null
      )}
      {idle.map(one => (
        <p key={one.root} className="cellmill-Warning" role="status">
          <strong>{trans.__('No scheduler runs')}</strong>
          {one.root === '.' ? '' : ` ${trans.__('for %1', one.root)}`}
          {': '}
          {found.hosted ? (
            trans.__('this server starts one within seconds.')
          ) : (
            <Prose
              text={trans.__(
                'what is due waits. Type `cellmill scheduler` into a terminal, or start JupyterLab with `CELLMILL_LAB_SCHEDULER=1` to have one while it runs.'
              )}
            />
          )}
        </p>
      ))}
      {found.level_problems.map(one => (
        <p key={one} className="cellmill-Refusal" role="alert">
          <Prose text={one} />
        </p>
      ))}
      {found.problems.map(one => (
        <Problem key={one.file} problem={one} />
      ))}
    </div>
  );
}

function Problem({ problem }: { problem: IScheduleProblem }) {
  const { trans, actions } = usePanel();
  return (
    <div className="cellmill-ScheduleProblem" role="alert">
      <p>
        <Prose text={problem.message} />
      </p>
      {problem.understood.length ? (
        <p className="cellmill-Muted">
          {trans.__(
            'Understood: %1 %2',
            problem.understood[0],
            problem.understood.slice(1).join(', ')
          )}
        </p>
      ) : null}
      <p className="cellmill-Muted">
        {trans.__('Until it is corrected, the schedules of this file stay as they were before.')}{' '}
        <button
          type="button"
          className="cellmill-Link"
          onClick={() => actions.openFile(problem.file)}
        >
          {trans.__('Open %1', problem.file)}
        </button>
      </p>
    </div>
  );
}

/** Schedules whose label, times or last state holds every word of the filter. */
export function matching(schedules: readonly ISchedule[], filter: string): readonly ISchedule[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return schedules.filter(one => {
    const state = one.paused ? 'paused' : one.ticks[0]?.state;
    const text = [one.label, one.folder, one.words, state].join(' ').toLowerCase();
    return words.every(word => text.includes(word));
  });
}
