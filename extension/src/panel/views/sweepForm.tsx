// The form of a sweep: for each parameter the values to try, by what they are compared, and how many runs that makes.

import { Button, HTMLSelect, runIcon } from '@jupyterlab/ui-components';
import { memo, useEffect, useId, useMemo, useState } from 'react';
import type { IParameter, IPipeline, IRun, ISweepCheck } from '../../api/types';
import { usePanel } from '../context';
import { allValues, isCount, ISweepDraft, kept, metricNames, sweepRequest } from '../sweep';
import { kindWord, Profiles } from './runForm';

interface ISweepFormProps {
  pipeline: IPipeline;
  sweep: ISweepDraft;
  profile: string | null;
  runs: readonly IRun[];
  starting: boolean;
}

/** How long a user rests between two keys before the values are looked at. */
const REST = 250;

export const SweepForm = memo(function SweepForm(props: ISweepFormProps) {
  const { pipeline, sweep, profile, runs, starting } = props;
  const { trans, model } = usePanel();
  const id = useId();
  const check = useCheck(pipeline.folder, sweep);
  const metrics = useMemo(() => metricNames(runs), [runs]);
  const badDraw = sweep.draw.trim() !== '' && !isCount(sweep.draw);
  const wrong =
    check !== null && (check.problem !== null || Object.keys(check.problems).length > 0);
  const several = check !== null && check.total > 1;
  const ready = several && !wrong && !badDraw && !starting;
  const change = (next: Partial<ISweepDraft>): void => model.setSweep({ ...sweep, ...next });
  return (
    <form
      className="cellmill-Form"
      aria-label={trans.__('Try several values with %1', pipeline.name)}
      onSubmit={event => {
        event.preventDefault();
        if (ready) {
          void model.start({ kind: 'sweep', sweep: sweepRequest(sweep), profile });
        }
      }}
    >
      <div className="cellmill-Sweep-title">
        <strong>{trans.__('Try several values')}</strong>
        <button type="button" className="cellmill-Link" onClick={() => model.setSweep(null)}>
          {trans.__('Back to a single run')}
        </button>
      </div>
      <p className="cellmill-Muted">
        {trans.__(
          'Write values with commas between them, such as 0.1, 0.2: all combinations run. What is empty keeps its default.'
        )}
      </p>
      {pipeline.parameters.map(parameter => (
        <Tries
          key={parameter.name}
          parameter={parameter}
          text={sweep.values[parameter.name] ?? ''}
          count={check?.counts[parameter.name] ?? 0}
          problem={check?.problems[parameter.name] ?? ''}
          enter={text => change({ values: { ...sweep.values, [parameter.name]: text } })}
        />
      ))}
      <div className="cellmill-Field">
        <div className="cellmill-Field-head">
          <label htmlFor={`${id}-metric`} className="cellmill-Sweep-label">
            {trans.__('Compare by metric')}
          </label>
        </div>
        <div className="cellmill-Field-entry">
          <input
            id={`${id}-metric`}
            type="text"
            className="jp-mod-styled"
            list={`${id}-metrics`}
            placeholder={metrics.length ? '' : trans.__('recorded with %metric')}
            autoComplete="off"
            spellCheck={false}
            value={sweep.metric}
            onChange={event => change({ metric: event.target.value })}
          />
          <datalist id={`${id}-metrics`}>
            {metrics.map(name => (
              <option key={name} value={name} />
            ))}
          </datalist>
          <HTMLSelect
            aria-label={trans.__('Which value is the best')}
            disabled={!sweep.metric.trim()}
            value={sweep.direction}
            onChange={event =>
              change({ direction: event.target.value === 'maximize' ? 'maximize' : 'minimize' })
            }
          >
            <option value="minimize">{trans.__('lowest is best')}</option>
            <option value="maximize">{trans.__('highest is best')}</option>
          </HTMLSelect>
        </div>
      </div>
      <div className="cellmill-Field cellmill-Sweep-draw" data-error={badDraw}>
        <label htmlFor={`${id}-draw`}>{trans.__('Of them only')}</label>
        <input
          id={`${id}-draw`}
          type="text"
          inputMode="numeric"
          className="jp-mod-styled"
          placeholder={trans.__('all')}
          autoComplete="off"
          aria-invalid={badDraw ? true : undefined}
          value={sweep.draw}
          onChange={event => change({ draw: event.target.value })}
        />
        <span className="cellmill-Muted">{trans.__('drawn by chance')}</span>
        {badDraw ? (
          <div className="cellmill-Field-error">
            {trans.__('Write a whole number, such as 20.')}
          </div>
        ) : null}
      </div>
      {pipeline.profiles.length ? (
        <Profiles profiles={pipeline.profiles} profile={profile} />
      ) : null}
      <div className="cellmill-Form-buttons">
        <span
          className="cellmill-Form-summary"
          role="status"
          data-error={wrong}
          data-count={check?.combinations ?? 0}
        >
          <Count check={check} />
        </span>
        <Button type="submit" className="jp-mod-styled jp-mod-accept" disabled={!ready}>
          <runIcon.react tag="span" />
          {several && !wrong
            ? trans.__('Run %1 combinations', check.combinations.toLocaleString())
            : trans.__('Run combinations')}
        </Button>
      </div>
    </form>
  );
});

/** How many combinations that makes, in words, or what is wrong with the values. */
function Count({ check }: { check: ISweepCheck | null }) {
  const { trans } = usePanel();
  if (!check) {
    return <>{trans.__('Counting…')}</>;
  }
  const [problem] = Object.values(check.problems);
  if (problem || check.problem) {
    return <>{problem ?? check.problem}</>;
  }
  const varied = Object.entries(check.counts).filter(([, count]) => count > 1);
  if (!varied.length) {
    return <>{trans.__('Give a parameter at least two values.')}</>;
  }
  const how = varied.map(([name, count]) => `${name} × ${count}`).join(', ');
  return check.combinations < check.total ? (
    <>
      {trans.__('%1 of %2 combinations: %3', check.combinations, check.total.toLocaleString(), how)}
    </>
  ) : (
    <>{trans.__('%1 combinations: %2', check.total.toLocaleString(), how)}</>
  );
}

interface ITriesProps {
  parameter: IParameter;
  text: string;
  count: number;
  problem: string;
  enter: (text: string) => void;
}

function Tries({ parameter, text, count, problem, enter }: ITriesProps) {
  const { trans } = usePanel();
  const id = useId();
  const all = allValues(parameter);
  return (
    <div className="cellmill-Field" data-changed={text.trim() !== ''} data-error={!!problem}>
      <div className="cellmill-Field-head">
        <label htmlFor={id} title={parameter.description ?? parameter.name}>
          {parameter.name}
        </label>
        <span className="cellmill-Muted">{kindWord(parameter)}</span>
        {count > 1 ? (
          <span className="cellmill-Muted">{trans.__('%1 values', count)}</span>
        ) : all && text !== all ? (
          <button
            type="button"
            className="cellmill-Link"
            aria-label={trans.__('All values of %1', parameter.name)}
            onClick={() => enter(all)}
          >
            {trans.__('all')}
          </button>
        ) : null}
      </div>
      <input
        id={id}
        type="text"
        className="jp-mod-styled"
        placeholder={kept(parameter)}
        autoComplete="off"
        spellCheck={false}
        aria-invalid={problem ? true : undefined}
        aria-describedby={`${id}-note`}
        value={text}
        onChange={event => enter(event.target.value)}
      />
      <div id={`${id}-note`} className="cellmill-Field-error" aria-live="polite">
        {problem}
      </div>
    </div>
  );
}

/** What the server says of the values; null until it has looked at those that stand there now. */
function useCheck(pipeline: string, sweep: ISweepDraft): ISweepCheck | null {
  const { model } = usePanel();
  const { values, draw } = sweepRequest(sweep);
  const asked = JSON.stringify({ values, draw });
  const [found, setFound] = useState<{ asked: string; check: ISweepCheck } | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      model.cellmill.client
        .checkSweep({ pipeline, sweep: JSON.parse(asked) }, abort.signal)
        .then(check => setFound({ asked, check }))
        .catch(error => {
          if (!abort.signal.aborted) {
            const problem = error instanceof Error ? error.message : String(error);
            const check = { counts: {}, problems: {}, problem, total: 0, combinations: 0 };
            setFound({ asked, check });
          }
        });
    }, REST);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [model, pipeline, asked]);
  return found?.asked === asked ? found.check : null;
}
