// Why a run failed, and the clicks to the place: the source cell, its inputs in the kernel, the executed notebook.

import { Button } from '@jupyterlab/ui-components';
import { useState } from 'react';
import type { IFailure, IRun, ITask } from '../../api/types';
import { namesGiven } from '../../notebook/reproduction';
import { usePanel } from '../context';
import { Prose } from './prose';

interface IFailureProps {
  run: IRun;
  failure: IFailure;
  task: ITask;
}

export function FailureView({ run, failure, task }: IFailureProps) {
  const { trans, actions, model } = usePanel();
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
        {run.kind === 'run' && notebook?.endsWith('.ipynb') ? (
          <Button
            className="jp-mod-styled"
            title={trans.__(
              'Load what %1 began with into the notebook’s kernel, so that the cell can be run there',
              task.name
            )}
            onClick={() =>
              actions.reproduce(run, task, namesGiven(model.state.analysis, task.name))
            }
          >
            {trans.__('Reproduce here')}
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
