// Why a run failed, and the two clicks to the place: the executed notebook, and the source cell.

import { Button } from '@jupyterlab/ui-components';
import { useState } from 'react';
import type { IFailure, ITask } from '../../api/types';
import { usePanel } from '../context';
import { Prose } from './prose';

export function FailureView({ failure, task }: { failure: IFailure; task: ITask }) {
  const { trans, actions } = usePanel();
  const [open, setOpen] = useState(false);
  const { cell, cell_id, line, notebook, executed, report, traceback } = failure;
  return (
    <div
      className="cellmill-Failure"
      role="group"
      aria-label={trans.__('Failure of %1', task.name)}
    >
      <p>
        <Prose text={failure.sentence} />
      </p>
      <div className="cellmill-Form-buttons">
        {cell_id ? (
          <Button
            className="jp-mod-styled jp-mod-accept"
            title={
              line === null
                ? trans.__('Show cell %1 of the notebook', cell ?? '')
                : trans.__('Show cell %1, line %2 of the notebook', cell ?? '', line)
            }
            onClick={() => actions.goToCell({ path: notebook, cell_id, cell, line })}
          >
            {trans.__('Go to source cell')}
          </Button>
        ) : null}
        {executed ? (
          <Button
            className="jp-mod-styled"
            title={trans.__('Open the executed notebook at the cell that failed')}
            onClick={() => actions.openExecuted(failure)}
          >
            {trans.__('Executed notebook')}
          </Button>
        ) : null}
      </div>
      <div className="cellmill-Links">
        {traceback ? (
          <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? trans.__('Hide the traceback') : trans.__('Show the traceback')}
          </button>
        ) : null}
        {report ? (
          <button type="button" onClick={() => actions.openReport(report)}>
            {trans.__('Report')}
          </button>
        ) : null}
      </div>
      {open ? (
        <pre tabIndex={0} aria-label={trans.__('Traceback')}>
          {traceback}
        </pre>
      ) : null}
    </div>
  );
}
