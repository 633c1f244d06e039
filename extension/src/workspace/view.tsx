// Pipelines and runs of the whole workspace: found by name, seen by state, run by a click.

import {
  InputGroup,
  folderIcon,
  notebookIcon,
  refreshIcon,
  runIcon
} from '@jupyterlab/ui-components';
import { memo } from 'react';
import type { IPipeline, IRun, ISchedule } from '../api/types';
import { useModel, usePanel } from '../panel/context';
import { duration, when } from '../panel/format';
import { endOf, isLive, progressOf } from '../panel/runs';
import { Empty } from '../panel/views/empty';
import { IconButton } from '../panel/views/iconButton';
import { Ago, Elapsed, kindWord, StateMark, stateWord } from '../panel/views/marks';
import { Section } from '../panel/views/section';
import { Unreachable } from '../panel/views/unreachable';
import { Verified } from '../panel/views/verified';
import { pipelineIcon, scheduleIcon } from '../theme/pipelineIcons';
import { CommandIDs } from '../tokens';
import type { IWorkspaceState, WorkspaceModel } from './model';
import { matching, nextOf } from './pipelines';

export function Workspace({ model }: { model: WorkspaceModel }) {
  const { trans } = usePanel();
  const state = useModel(model);
  switch (state.subject) {
    case 'loading':
      return (
        <div className="cellmill-Loading" role="status">
          {trans.__('Looking for pipelines…')}
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
      return <Shown model={model} state={state} />;
  }
}

interface IPartProps {
  model: WorkspaceModel;
  state: IWorkspaceState;
}

function Shown({ model, state }: IPartProps) {
  const { trans, actions } = usePanel();
  const found = matching(state.pipelines, state.filter);
  const shown = new Set(found.map(one => one.folder));
  const runs = state.filter ? state.runs.filter(one => shown.has(one.pipeline)) : state.runs;
  return (
    <>
      <div className="cellmill-Workspace-filter">
        <InputGroup
          type="text"
          rightIcon="ui-components:search"
          placeholder={trans.__('Filter by name or state')}
          aria-label={trans.__('Filter pipelines by name or state')}
          value={state.filter}
          onChange={event => model.setFilter(event.currentTarget.value)}
        />
        <IconButton
          icon={scheduleIcon}
          title={trans.__('Show schedules')}
          onClick={() => actions.execute(CommandIDs.showSchedules)}
        />
        <IconButton
          icon={refreshIcon}
          title={trans.__('Look again')}
          label={trans.__('Look again')}
          onClick={() => void model.refresh()}
        />
      </div>
      {state.refusal ? (
        <p className="cellmill-Refusal" role="alert">
          {state.refusal}
        </p>
      ) : null}
      {state.pipelines.length ? (
        <>
          <Section name="pipelines" title={trans.__('Pipelines')} summary={String(found.length)}>
            {found.length ? (
              <ul className="cellmill-Pipelines">
                {found.map(one => (
                  <PipelineItem
                    key={one.folder}
                    pipeline={one}
                    broken={state.levels.some(each => each.folder === one.folder && each.broken)}
                    due={nextOf(state.schedules, one.folder)}
                    model={model}
                  />
                ))}
              </ul>
            ) : (
              <p className="cellmill-Muted">{trans.__('No pipeline is called so.')}</p>
            )}
          </Section>
          <Section name="history" title={trans.__('Runs')} summary={String(runs.length)}>
            <Runs runs={runs} pipelines={state.pipelines} />
          </Section>
        </>
      ) : (
        <Empty icon={pipelineIcon} title={trans.__('No pipelines yet')}>
          <p>
            {trans.__(
              'Open a notebook, give its cells steps, and promote it: its pipeline appears here.'
            )}
          </p>
        </Empty>
      )}
    </>
  );
}

const PipelineItem = memo(function PipelineItem({
  pipeline,
  broken,
  due,
  model
}: {
  pipeline: IPipeline;
  /** Whether a service level that it promises does not hold. */
  broken: boolean;
  /** Its schedule that is due first. */
  due: ISchedule | undefined;
  model: WorkspaceModel;
}) {
  const { trans, actions } = usePanel();
  const { name, folder, notebook, steps, current, verified, last_run: run } = pipeline;
  // A path alone says where the notebook was.
  const there = notebook !== null && current !== null;
  return (
    <li className="cellmill-Pipeline">
      <div className="cellmill-Pipeline-head">
        <button
          type="button"
          className="cellmill-Pipeline-name"
          title={there ? notebook! : folder}
          onClick={() => (there ? actions.openFile(notebook!) : actions.openFolder(folder))}
        >
          {name}
        </button>
        <span className="cellmill-Pipeline-tools">
          {there ? (
            <IconButton
              icon={notebookIcon}
              title={trans.__('Open the notebook %1', notebook)}
              label={trans.__('Open the notebook of %1', name)}
              onClick={() => actions.openFile(notebook)}
            />
          ) : null}
          <IconButton
            icon={folderIcon}
            title={trans.__('Open the folder %1', folder)}
            label={trans.__('Open the folder of %1', name)}
            onClick={() => actions.openFolder(folder)}
          />
          <IconButton
            icon={scheduleIcon}
            title={trans.__('Schedule %1', name)}
            label={trans.__('Schedule %1', name)}
            onClick={() => actions.execute(CommandIDs.schedulePipeline, { pipeline: folder })}
          />
          <IconButton
            icon={runIcon}
            disabled={isLive(run)}
            title={
              isLive(run)
                ? trans.__('%1 is running', name)
                : trans.__('Run %1 with its default parameters', name)
            }
            label={trans.__('Run %1', name)}
            onClick={() => void model.start(folder)}
          />
        </span>
      </div>
      <div className="cellmill-Pipeline-facts">
        <span>{trans._n('%1 step', '%1 steps', steps)}</span>
        {current === false ? (
          <span className="cellmill-Outdated">{trans.__('notebook changed since')}</span>
        ) : current === null ? (
          <span>{trans.__('notebook is gone')}</span>
        ) : null}
        <Verified verified={verified} />
        {broken ? (
          <button
            type="button"
            className="cellmill-Link cellmill-Broken"
            onClick={() => actions.execute(CommandIDs.showSchedules)}
          >
            {trans.__('service level broken')}
          </button>
        ) : null}
        {due ? <Due schedule={due} /> : null}
      </div>
      {run ? <LastRun run={run} /> : <div className="cellmill-Muted">{trans.__('never run')}</div>}
    </li>
  );
});

function Due({ schedule }: { schedule: ISchedule }) {
  const { trans, actions } = usePanel();
  return (
    <button
      type="button"
      className="cellmill-Link"
      title={trans.__('%1: %2', schedule.name, schedule.words)}
      onClick={() => actions.execute(CommandIDs.showSchedules)}
    >
      {trans.__('next: %1', schedule.next_words)}
    </button>
  );
}

function LastRun({ run }: { run: IRun }) {
  const { trans } = usePanel();
  const live = isLive(run);
  const { done, tasks } = progressOf(run);
  return (
    <div className="cellmill-Pipeline-run">
      <StateMark state={run.state} />
      <span>
        {stateWord(run.state, trans)}
        {live && tasks ? ` ${trans.__('%1 of %2', done, tasks)}` : ''}
      </span>
      <span className="cellmill-History-time" title={when(run.started)}>
        {live ? (
          <Elapsed since={run.started} />
        ) : (
          <>
            {run.seconds === null ? '' : `${duration(run.seconds)} · `}
            <Ago moment={endOf(run)} />
          </>
        )}
      </span>
    </div>
  );
}

function Runs({ runs, pipelines }: { runs: readonly IRun[]; pipelines: readonly IPipeline[] }) {
  const { trans, actions, model } = usePanel();
  const notebooks = new Map(pipelines.map(one => [one.folder, one.notebook]));
  if (!runs.length) {
    return <p className="cellmill-Muted">{trans.__('Nothing was run yet.')}</p>;
  }
  return (
    <ul className="cellmill-History">
      {runs.map(run => (
        <li key={run.run_id}>
          <button
            type="button"
            disabled={!notebooks.has(run.pipeline)}
            title={
              notebooks.has(run.pipeline)
                ? trans.__('Show this run of %1', run.name)
                : trans.__('The folder %1 is gone', run.pipeline)
            }
            onClick={() => {
              const notebook = notebooks.get(run.pipeline);
              if (notebook) {
                actions.showRun(notebook, run.run_id, model);
              } else {
                actions.openFolder(run.pipeline);
              }
            }}
          >
            <span className="cellmill-History-line">
              <StateMark state={run.state} />
              <span className="cellmill-History-name">{run.name}</span>
              {run.kind === 'run' ? null : (
                <span className="cellmill-Tag">{kindWord(run.kind, trans)}</span>
              )}
              <span className="cellmill-History-time">
                <Ago moment={endOf(run)} />
              </span>
            </span>
            <span className="cellmill-History-facts">
              {stateWord(run.state, trans)}
              {run.seconds === null ? '' : ` · ${duration(run.seconds)}`}
              {run.source === 'lab' ? '' : ` · ${run.source}`}
              {run.profile ? ` · ${run.profile}` : ''}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}
