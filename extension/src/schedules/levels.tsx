// What pipelines promise, and whether they keep it: success, error budget, burn rate, freshness.

import type { ILevels } from '../api/types';
import { usePanel } from '../panel/context';

export function Levels({ levels }: { levels: readonly ILevels[] }) {
  const { trans, actions } = usePanel();
  return (
    <table className="cellmill-Levels" aria-label={trans.__('Service levels')}>
      <thead>
        <tr>
          <th scope="col">{trans.__('Service levels')}</th>
          <th scope="col">{trans.__('Success')}</th>
          <th scope="col">{trans.__('Error budget left')}</th>
          <th scope="col" title={trans.__('At 1 the budget lasts just as long as the window.')}>
            {trans.__('Burn, 24 h')}
          </th>
          <th scope="col">{trans.__('Freshness')}</th>
        </tr>
      </thead>
      <tbody>
        {levels.map(one => (
          <tr key={one.folder} data-broken={one.broken || undefined}>
            <th scope="row">
              <button
                type="button"
                className="cellmill-Link"
                title={trans.__('Open %1, which promises it', one.file)}
                onClick={() => actions.openFile(one.file)}
              >
                {one.pipeline}
              </button>
            </th>
            <td data-broken={one.success_broken || undefined}>
              {one.success}{' '}
              {one.promised ? (
                <span className="cellmill-Muted">
                  {trans.__('of %1, %2', one.promised, one.window)}
                </span>
              ) : null}
            </td>
            <td data-broken={one.success_broken || undefined}>
              {one.budget_left === null ? null : <Budget left={one.budget_left} />} {one.budget}
            </td>
            <td>{one.burn_24h}</td>
            <td data-broken={one.freshness_broken || undefined}>
              {one.age}{' '}
              {one.freshness ? (
                <span className="cellmill-Muted">{trans.__('of %1', one.freshness)}</span>
              ) : null}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The share that is left, as a bar; the words beside it say the same. */
function Budget({ left }: { left: number }) {
  const share = Math.max(0, Math.min(1, left));
  return (
    <span className="cellmill-Budget" data-spent={left < 0 || undefined} aria-hidden="true">
      <span style={{ width: `${100 * share}%` }} />
    </span>
  );
}
