// All runs of the pipeline that are on record; a click draws one in the graph.

import { memo } from 'react';
import type { IParameter, IRun } from '../../api/types';
import { usePanel } from '../context';
import { duration, metric, value, when } from '../format';
import { changedParameters, endOf, isLive, metricsOf } from '../runs';
import { Ago, Elapsed, kindWord, StateMark, stateWord } from './marks';
import { Section } from './section';

interface IHistoryProps {
  runs: readonly IRun[];
  run: IRun | null;
  parameters: readonly IParameter[];
}

/** So many metrics and parameters stand in a row. */
const FEW = 4;

export const History = memo(function History({ runs, run, parameters }: IHistoryProps) {
  const { trans, model } = usePanel();
  return (
    <Section
      name="history"
      title={trans.__('Runs')}
      open={false}
      summary={runs.length ? String(runs.length) : trans.__('none yet')}
    >
      {runs.length ? (
        <ul className="cellmill-History">
          {runs.map(one => (
            <li key={one.run_id}>
              <button
                type="button"
                aria-current={one === run ? 'true' : undefined}
                title={trans.__('Show this run, begun %1', when(one.started))}
                onClick={() => model.choose(one.run_id)}
              >
                <HistoryRow run={one} parameters={parameters} />
              </button>
            </li>
          ))}
        </ul>
      ) : (
        <p className="cellmill-Muted">{trans.__('Runs of this pipeline are listed here.')}</p>
      )}
    </Section>
  );
});

/** One run on two lines: how it went, and with what. */
export const HistoryRow = memo(function HistoryRow({
  run,
  parameters
}: {
  run: IRun;
  parameters: readonly IParameter[];
}) {
  const { trans } = usePanel();
  const changed = changedParameters(run, parameters);
  const metrics = metricsOf(run);
  const facts = [
    ...metrics.slice(0, FEW).map(([name, one]) => `${name} ${metric(one)}`),
    ...(metrics.length > FEW ? [`+${metrics.length - FEW}`] : [])
  ];
  return (
    <>
      <span className="cellmill-History-line">
        <StateMark state={run.state} />
        <span>{stateWord(run.state, trans)}</span>
        {run.kind === 'run' ? null : (
          <span className="cellmill-Tag">{kindWord(run.kind, trans)}</span>
        )}
        {run.profile ? <span className="cellmill-Tag">{run.profile}</span> : null}
        <span className="cellmill-History-time">
          {isLive(run) ? (
            <Elapsed since={run.started} />
          ) : (
            <>
              {run.seconds === null ? '' : `${duration(run.seconds)} · `}
              <Ago moment={endOf(run)} />
            </>
          )}
        </span>
      </span>
      {changed.length ? (
        <span className="cellmill-History-facts">
          {changed
            .slice(0, FEW)
            .map(([name, one]) => `${name} = ${value(one)}`)
            .join(', ')}
          {changed.length > FEW ? ` +${changed.length - FEW}` : ''}
        </span>
      ) : null}
      {facts.length ? <span className="cellmill-History-facts">{facts.join(' · ')}</span> : null}
    </>
  );
});
