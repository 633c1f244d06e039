// The pipeline panel as a whole: each part is drawn again only when its own share of the state changed.

import { memo, useEffect, useMemo, useRef } from 'react';
import type { IFinding, IParameter, IPipeline, ITask } from '../../api/types';
import { IPanelServices, PanelContext, usePanel, useModel } from '../context';
import { isLive, lastSeconds } from '../runs';
import type { IPanelState } from '../state';
import { stepTasks } from '../sweep';
import { Absence, NoSteps } from './empty';
import { Graph } from './graph';
import { Header } from './header';
import { History } from './history';
import { Prose } from './prose';
import { Readiness } from './readiness';
import { RunForm } from './runForm';
import { RunView } from './runView';
import { Section } from './section';
import { SweepForm } from './sweepForm';

const NO_PARAMETERS: readonly IParameter[] = [];
const NO_TASKS: readonly ITask[] = [];

export function Panel({ services }: { services: IPanelServices }) {
  return (
    <PanelContext.Provider value={services}>
      <PanelView />
    </PanelContext.Provider>
  );
}

function PanelView() {
  const { model, trans } = usePanel();
  const state = useModel(model);
  const { analysis } = state;
  const top = useRef<HTMLSpanElement>(null);
  const live = isLive(state.run) ? state.run?.run_id : null;
  useEffect(() => {
    if (live) {
      // What was begun by the form, at the panel's end, is watched in the graph, at its top.
      top.current?.closest('.cellmill-Panel')?.scrollTo({ top: 0 });
    }
  }, [live]);
  if (!analysis || state.subject !== 'shown') {
    return <Absence subject={state.subject} error={state.unreachable ? '' : state.error} />;
  }
  return (
    <>
      <span ref={top} />
      <Header
        path={state.path}
        analysis={analysis}
        folder={state.folder}
        promoting={state.promoting}
        promoted={state.promoted}
        obstacle={state.obstacle}
      />
      {state.error ? (
        <p className="cellmill-Refusal cellmill-Stale" role="alert">
          {state.unreachable
            ? trans.__('JupyterLab can’t reach its server: this may be out of date.')
            : trans.__('This may be out of date: %1', state.error)}{' '}
          <button type="button" className="cellmill-Link" onClick={() => model.retry()}>
            {trans.__('Try again')}
          </button>
        </p>
      ) : null}
      {analysis.steps.length ? <Steps state={state} /> : <NoSteps />}
      {analysis.steps.length || analysis.findings.length > 1 ? (
        <Readiness findings={analysis.findings} ignored={analysis.ignored} />
      ) : null}
      {analysis.steps.length || state.folder ? <Running state={state} /> : null}
      {state.folder ? (
        <History
          runs={state.runs}
          run={state.run}
          parameters={state.pipeline?.parameters ?? analysis.parameters}
        />
      ) : null}
    </>
  );
}

/** The graph, and the states of the shown run on it. */
const Steps = memo(function Steps({ state }: { state: IPanelState }) {
  const { trans } = usePanel();
  const { analysis, run, runs } = state;
  const seconds = useMemo(() => lastSeconds(runs), [runs]);
  const tasks = useMemo(() => (run ? stepTasks(run) : NO_TASKS), [run]);
  const errors = useMemo(() => stepsWithErrors(analysis?.findings ?? []), [analysis?.findings]);
  if (!analysis) {
    return null;
  }
  return (
    <Section name="graph" title={trans.__('Steps')} summary={String(analysis.steps.length)}>
      <Graph
        steps={analysis.steps}
        edges={analysis.edges}
        tasks={tasks}
        seconds={seconds}
        errors={errors}
      />
    </Section>
  );
});

function stepsWithErrors(findings: readonly IFinding[]): ReadonlySet<string> {
  return new Set(
    findings.flatMap(one => (one.severity === 'error' && one.step !== null ? [one.step] : []))
  );
}

/** The form for one run, or for a sweep. */
function Form({ state, pipeline }: { state: IPanelState; pipeline: IPipeline }) {
  const { draft, sweep, profile, runs, starting } = state;
  const shared = { pipeline, profile, runs, starting };
  return sweep ? <SweepForm sweep={sweep} {...shared} /> : <RunForm draft={draft} {...shared} />;
}

/** The run that is shown, and the form for the next one. */
function Running({ state }: { state: IPanelState }) {
  const { trans } = usePanel();
  const { pipeline, run, starting, refusal, folder } = state;
  const live = isLive(run);
  return (
    <Section name="run" title={trans.__('Run')} open={!!folder}>
      {refusal ? (
        <p className="cellmill-Refusal" role="alert">
          <Prose text={refusal} />
        </p>
      ) : null}
      {run ? (
        <RunView
          key={run.run_id}
          run={run}
          parameters={pipeline?.parameters ?? NO_PARAMETERS}
          starting={starting}
          newest={run === state.runs[0]}
        />
      ) : null}
      {pipeline ? (
        // While a run goes on, what can be done is to watch and to stop it.
        live ? null : (
          <Form state={state} pipeline={pipeline} />
        )
      ) : folder ? null : (
        <p className="cellmill-Muted">
          {trans.__('Promote the notebook to run it as a pipeline.')}
        </p>
      )}
    </Section>
  );
}
