// A sweep's combinations: how far each is while it goes on, and the best one first when it has ended.

import { memo } from 'react';
import type { ICombination, IRun, ISweep } from '../../api/types';
import { usePanel } from '../context';
import { duration, metric, value } from '../format';
import { isLive } from '../runs';
import { ranked, shownMetrics } from '../sweep';
import { StateMark, stateWord } from './marks';

/** Rows that are drawn; the page has all of them. */
const MOST = 200;

export const SweepTable = memo(function SweepTable({ run, sweep }: { run: IRun; sweep: ISweep }) {
  const { trans, actions } = usePanel();
  const rows = ranked(run);
  const names = sweep.varied.length ? sweep.varied : Object.keys(rows[0]?.parameters ?? {});
  const metrics = shownMetrics(sweep);
  const best = sweep.combinations.find(one => one.label === sweep.best) ?? null;
  return (
    <div className="cellmill-Sweep">
      {best && sweep.metric ? (
        <p className="cellmill-Sweep-best">
          {sweep.direction === 'maximize'
            ? trans.__('Highest %1:', sweep.metric)
            : trans.__('Lowest %1:', sweep.metric)}{' '}
          <strong>{shown(best.metrics[sweep.metric])}</strong>{' '}
          {trans.__(
            'with %1',
            names.map(name => `${name} = ${value(best.parameters[name])}`).join(', ')
          )}
        </p>
      ) : sweep.metric &&
        !isLive(run) &&
        rows.some(one => one.state === 'done' || one.state === 'up-to-date') ? (
        <p className="cellmill-Hint">
          {trans.__('No step recorded the metric %1, so nothing is compared.', sweep.metric)}
        </p>
      ) : null}
      <div
        className="cellmill-Sweep-scroll"
        tabIndex={0}
        role="group"
        aria-label={trans.__('Combinations')}
      >
        <table>
          <thead>
            <tr>
              <th scope="col">
                <span className="cellmill-Hidden">{trans.__('state')}</span>
              </th>
              {names.map(name => (
                <th key={name} scope="col" title={name}>
                  {name}
                </th>
              ))}
              {metrics.map(name => (
                <th key={name} scope="col" title={name} className="cellmill-Sweep-number">
                  {name}
                </th>
              ))}
              <th scope="col" className="cellmill-Sweep-number">
                {trans.__('time')}
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, MOST).map(one => (
              <Row key={one.label} one={one} names={names} metrics={metrics} best={one === best} />
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > MOST ? (
        <p className="cellmill-Muted">
          {trans.__('%1 more combinations are on the page.', rows.length - MOST)}
        </p>
      ) : null}
      {sweep.page ? (
        <div className="cellmill-Links">
          <button type="button" onClick={() => actions.openReport(sweep.page!)}>
            {trans.__('Plot and table')}
          </button>
        </div>
      ) : null}
    </div>
  );
});

interface IRowProps {
  one: ICombination;
  names: readonly string[];
  metrics: readonly string[];
  best: boolean;
}

function Row({ one, names, metrics, best }: IRowProps) {
  const { trans } = usePanel();
  const going = one.state === 'running';
  const told = one.failure ?? `${one.label}: ${stateWord(one.state, trans)}`;
  return (
    <tr data-state={one.state} data-best={best} title={told}>
      <td>
        <StateMark state={one.state} />
        <span className="cellmill-Hidden">{stateWord(one.state, trans)}</span>
      </td>
      {names.map((name, place) => (
        <td key={name}>
          {value(one.parameters[name])}
          {best && place === 0 ? <span className="cellmill-Tag">{trans.__('best')}</span> : null}
        </td>
      ))}
      {going ? (
        <td colSpan={metrics.length + 1} className="cellmill-Sweep-number cellmill-Muted">
          {trans.__('%1 (%2 of %3)', one.running.join(', '), one.over + 1, one.steps)}
        </td>
      ) : (
        <>
          {metrics.map(name => (
            <td key={name} className="cellmill-Sweep-number">
              {shown(one.metrics[name])}
            </td>
          ))}
          <td className="cellmill-Sweep-number cellmill-Muted">
            {one.seconds ? duration(one.seconds) : ''}
          </td>
        </>
      )}
    </tr>
  );
}

function shown(one: unknown): string {
  return typeof one === 'number' ? metric(one) : one === undefined ? '' : String(one);
}
