// Why steps run: of a run that is not begun yet, asked of the server, and of one that has, from its record.

import { useState } from 'react';
import type { IExpectedRun, IRun, IRunRequest } from '../../api/types';
import { usePanel } from '../context';
import { sentence } from '../model';

interface IExpectedProps {
  request: IRunRequest;
  /** The button's text. */
  label: string;
}

/** What a run would do, step by step; asked for when the user wants to know. */
export function Expected({ request, label }: IExpectedProps) {
  const { trans, model } = usePanel();
  const asked = JSON.stringify(request);
  const [shown, setShown] = useState<{ asked: string; told: IExpectedRun | string | null } | null>(
    null
  );
  const told = shown?.asked === asked ? shown.told : undefined;
  const ask = (): void => {
    if (told !== undefined) {
      setShown(null);
      return;
    }
    setShown({ asked, told: null });
    const take = (answer: IExpectedRun | string): void =>
      // What was asked meanwhile is not answered by this.
      setShown(now => (now?.asked === asked ? { asked, told: answer } : now));
    model.cellmill.client.expected(request).then(take, error => take(sentence(error)));
  };
  return (
    <div className="cellmill-Expected">
      <button
        type="button"
        className="cellmill-Link"
        aria-expanded={told !== undefined}
        onClick={ask}
      >
        {label}
      </button>
      <div aria-live="polite">
        {told === null ? <p className="cellmill-Muted">{trans.__('Looking…')}</p> : null}
        {typeof told === 'string' ? <p className="cellmill-Refusal">{told}</p> : null}
        {told && typeof told !== 'string' ? (
          <>
            {told.notices.map(notice => (
              <p key={notice} className="cellmill-Hint">
                {notice}
              </p>
            ))}
            <dl className="cellmill-Reasons">
              {told.tasks.map(task => (
                <div key={task.name} data-state={task.state}>
                  <dt title={task.name}>{task.name}</dt>
                  <dd>
                    {task.state === 'would-run'
                      ? trans.__('runs: %1', task.reasons.join('; '))
                      : (task.reason ?? trans.__('up to date'))}
                  </dd>
                </div>
              ))}
            </dl>
          </>
        ) : null}
      </div>
    </div>
  );
}

/** Why the steps of a run began; nothing for a sweep, whose steps have run many times. */
export function Reasons({ run }: { run: IRun }) {
  const { trans } = usePanel();
  const [open, setOpen] = useState(false);
  const told = run.sweep ? [] : run.tasks.filter(task => task.reasons?.length);
  if (!told.length) {
    return null;
  }
  return (
    <div className="cellmill-Expected">
      <button
        type="button"
        className="cellmill-Link"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {trans._n('Why %1 step ran', 'Why %1 steps ran', told.length)}
      </button>
      {open ? (
        <dl className="cellmill-Reasons">
          {told.map(task => (
            <div key={task.name}>
              <dt title={task.name}>{task.name}</dt>
              <dd>{task.reasons?.join('; ')}</dd>
            </div>
          ))}
        </dl>
      ) : null}
    </div>
  );
}
