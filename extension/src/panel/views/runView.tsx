// The run that is shown: how it goes or went, its failure, its log, and the way to what it made.

import { Button, refreshIcon, runIcon, stopIcon } from '@jupyterlab/ui-components';
import { memo, useEffect, useRef, useState } from 'react';
import type { IParameter, IRun, ITask } from '../../api/types';
import { usePanel } from '../context';
import { duration, metric, value, when } from '../format';
import { changedParameters, endOf, failedTask, isLive, metricsOf, progressOf } from '../runs';
import { overCount } from '../sweep';
import { Expected, Reasons } from './expected';
import { FailureView } from './failure';
import { Ago, cellWords, Elapsed, kindWord, StateMark, stateWord } from './marks';
import { MlflowLink } from './mlflowLink';
import { Prose } from './prose';
import { SweepTable } from './sweepTable';

interface IRunViewProps {
  run: IRun;
  /** Of the pipeline; what the run was given beside their defaults is shown. */
  parameters: readonly IParameter[];
  starting: boolean;
  newest: boolean;
}

export const RunView = memo(function RunView(props: IRunViewProps) {
  const { run, parameters, starting, newest } = props;
  const { trans, model } = usePanel();
  const live = isLive(run);
  const failed = failedTask(run);
  const metrics = metricsOf(run);
  const changed = changedParameters(run, parameters);
  const given = changed
    .map(
      ([name, one]) => `${name} = ${run.sweep?.varied.includes(name) ? listed(one) : value(one)}`
    )
    .join(run.sweep ? '; ' : ', ');
  const card = useRef<HTMLDivElement>(null);
  const wasLive = useRef(live);
  useEffect(() => {
    if (wasLive.current && run.state === 'failed') {
      card.current?.scrollIntoView({ block: 'nearest' });
    }
    wasLive.current = live;
  }, [live, run.state]);
  return (
    <div ref={card} className="cellmill-Run" data-state={run.state}>
      <div className="cellmill-Run-head">
        <StateMark state={run.state} />
        <strong>
          {run.kind === 'run' ? '' : `${kindWord(run.kind, trans)} · `}
          {stateWord(run.state, trans)}
        </strong>
        <span className="cellmill-Run-time" title={when(run.started)}>
          {live ? <Elapsed since={run.started} /> : <Ended run={run} />}
        </span>
        {live ? (
          <Button
            className="cellmill-Stop jp-mod-styled jp-mod-warn"
            onClick={() => void model.stop(run.run_id)}
          >
            <stopIcon.react tag="span" />
            {trans.__('Stop')}
          </Button>
        ) : null}
      </div>
      {newest ? null : (
        <button type="button" className="cellmill-Link" onClick={() => model.choose(null)}>
          {trans.__('An earlier run; show the latest')}
        </button>
      )}
      {changed.length ? (
        <div className="cellmill-Muted cellmill-Run-parameters">{trans.__('with %1', given)}</div>
      ) : null}
      {live ? <Progress run={run} /> : null}
      {run.sweep ? <SweepTable run={run} sweep={run.sweep} /> : null}
      <div className="cellmill-Hidden" aria-live="polite">
        {live ? '' : `${run.name} ${stateWord(run.state, trans)}`}
      </div>
      {run.state === 'lost' && !run.message ? (
        <p className="cellmill-Hint">
          {trans.__(
            'This run is gone: its process ended without a word, as after a crash or a restart of the machine.'
          )}
        </p>
      ) : null}
      {run.message && !(failed?.failure && run.message === failed.failure.sentence) ? (
        <p className="cellmill-Run-message">
          <Prose text={run.message} />
        </p>
      ) : null}
      {failed?.failure ? <FailureView run={run} failure={failed.failure} task={failed} /> : null}
      {!live && (run.state === 'failed' || run.state === 'stopped' || run.state === 'lost') ? (
        <Retry run={run} task={failed ?? firstUndone(run)} newest={newest} starting={starting} />
      ) : null}
      {run.kind === 'sweep' && (run.state === 'failed' || run.state === 'stopped') ? (
        <p className="cellmill-Muted">
          {trans.__('The same values go on from here: what is up to date does not run again.')}
        </p>
      ) : null}
      {metrics.length && !run.sweep ? (
        <dl className="cellmill-Metrics">
          {metrics.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd title={String(value)}>{metric(value)}</dd>
            </div>
          ))}
        </dl>
      ) : null}
      {newest &&
      !live &&
      run.kind === 'run' &&
      run.state !== 'succeeded' &&
      run.state !== 'refused' ? (
        <Expected
          request={{ pipeline: run.pipeline, repair: true }}
          label={trans.__('What would Repair run, and why?')}
        />
      ) : null}
      <Reasons run={run} />
      <Products run={run} />
      <Log run={run} />
    </div>
  );
});

/** The values that a sweep tries, as they are typed. */
function listed(values: unknown): string {
  return Array.isArray(values) ? values.map(value).join(', ') : value(values);
}

function Ended({ run }: { run: IRun }) {
  return (
    <>
      {run.seconds === null ? '' : `${duration(run.seconds)} · `}
      <Ago moment={endOf(run)} />
    </>
  );
}

function firstUndone(run: IRun): ITask | null {
  return run.tasks.find(one => one.state !== 'done' && one.state !== 'up-to-date') ?? null;
}

function Progress({ run }: { run: IRun }) {
  const { trans } = usePanel();
  const { done, tasks, current, part } = progressOf(run);
  return (
    <div className="cellmill-Progress">
      <div
        className="cellmill-Progress-bar"
        role="progressbar"
        aria-label={trans.__('Progress of the run')}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(part * 100)}
      >
        <span style={{ transform: `scaleX(${part})` }} />
      </div>
      <div className="cellmill-Muted">
        {run.sweep
          ? trans.__(
              '%1 of %2 combinations · %3 of %4 steps',
              overCount(run.sweep),
              run.sweep.combinations.length,
              done,
              tasks
            )
          : tasks && (done || current.length)
            ? trans.__('%1 of %2 steps', done, tasks)
            : trans.__('starting')}
        {(run.sweep ? [] : current).map(task => (
          <span key={task.name}>
            {' · '}
            {task.cells ? `${task.name}: ${cellWords(task, trans)}` : task.name}
            {task.attempt > 1 ? ` (${trans.__('attempt %1', task.attempt)})` : ''}
          </span>
        ))}
      </div>
    </div>
  );
}

/** Run what failed, and what follows, once more with the same parameters; of the last run, all that it left undone. */
function Retry({
  run,
  task,
  newest,
  starting
}: {
  run: IRun;
  task: ITask | null;
  newest: boolean;
  starting: boolean;
}) {
  const { trans, model } = usePanel();
  if (!task || run.kind !== 'run') {
    return null;
  }
  return (
    <div className="cellmill-Form-buttons">
      <Button
        className="jp-mod-styled"
        disabled={starting}
        title={trans.__('Run %1 and what follows once more, with the same parameters', task.name)}
        onClick={() =>
          void model.start(
            { parameters: run.parameters, profile: run.profile, from: task.name },
            run.pipeline
          )
        }
      >
        <runIcon.react tag="span" />
        {trans.__('Retry from here')}
      </Button>
      {newest ? (
        <Button
          className="jp-mod-styled"
          disabled={starting}
          title={trans.__(
            'Run all that this run left undone, and nothing else, with the same parameters'
          )}
          onClick={() => void model.start({ repair: true }, run.pipeline)}
        >
          <refreshIcon.react tag="span" />
          {trans.__('Repair')}
        </Button>
      ) : null}
    </div>
  );
}

/** Executed notebooks and reports of the tasks that have them, and MLflow's page. */
function Products({ run }: { run: IRun }) {
  const { trans, actions } = usePanel();
  const [open, setOpen] = useState(false);
  // What failed has its links beside the failure.
  const made = run.tasks.filter(one => !one.failure && (one.notebook || one.report));
  if (!made.length && !run.mlflow) {
    return null;
  }
  return (
    <div className="cellmill-Products">
      <div className="cellmill-Links">
        {made.length ? (
          <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
            {trans._n('%1 report', '%1 reports', made.length)}
          </button>
        ) : null}
        {run.mlflow ? <MlflowLink mlflow={run.mlflow} /> : null}
      </div>
      {open ? (
        <ul>
          {made.map(task => (
            <li key={task.name}>
              <span className="cellmill-Products-name" title={task.name}>
                {task.name}
              </span>
              {task.report ? (
                <button
                  type="button"
                  className="cellmill-Link"
                  aria-label={trans.__('Report of %1', task.name)}
                  onClick={() => actions.openReport(task.report!)}
                >
                  {trans.__('report')}
                </button>
              ) : null}
              {task.notebook ? (
                <button
                  type="button"
                  className="cellmill-Link"
                  aria-label={trans.__('Executed notebook of %1', task.name)}
                  onClick={() => actions.openFile(task.notebook!)}
                >
                  {trans.__('notebook')}
                </button>
              ) : null}
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}

/** The end of what the run's process printed; asked for while it is open. */
function Log({ run }: { run: IRun }) {
  const { trans, model } = usePanel();
  const [open, setOpen] = useState(false);
  const [text, setText] = useState('');
  const end = useRef<HTMLPreElement>(null);
  const live = isLive(run);
  useEffect(() => {
    if (!open) {
      return;
    }
    let gone = false;
    const ask = (): void => {
      model.cellmill.client.log(run.run_id).then(
        log => !gone && setText(log),
        () => undefined
      );
    };
    ask();
    const timer = live ? setInterval(ask, 2000) : undefined;
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [open, live, run.run_id, model]);
  useEffect(() => {
    end.current?.scrollTo({ top: end.current.scrollHeight });
  }, [text]);
  return (
    <div className="cellmill-Log">
      <button
        type="button"
        className="cellmill-Link"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {open ? trans.__('Hide the log') : trans.__('Show the log')}
      </button>
      {open ? (
        <pre ref={end} tabIndex={0} aria-label={trans.__('Log')}>
          {text || trans.__('Nothing was printed.')}
        </pre>
      ) : null}
    </div>
  );
}
