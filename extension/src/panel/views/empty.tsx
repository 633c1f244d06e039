// What the panel says where there is no pipeline to show, and what to do about it.

import { Button, LabIcon, notebookIcon, pythonIcon, refreshIcon } from '@jupyterlab/ui-components';
import { ReactNode } from 'react';
import { lostIcon, pipelineIcon } from '../../theme/pipelineIcons';
import { usePanel } from '../context';
import type { IPanelState } from '../state';

interface IEmptyProps {
  icon: LabIcon;
  title: string;
  children?: ReactNode;
}

export function Empty({ icon: Icon, title, children }: IEmptyProps) {
  return (
    <div className="cellmill-Empty">
      <Icon.react tag="span" className="cellmill-Empty-icon" width="40px" height="40px" />
      <h3>{title}</h3>
      {children}
    </div>
  );
}

/** The panel while there is no analysis; null as soon as there is one. */
export function Absence({ subject, error }: Pick<IPanelState, 'subject' | 'error'>) {
  const { trans, model } = usePanel();
  const retry = (
    <Button className="jp-mod-styled jp-mod-accept" onClick={() => model.retry()}>
      <refreshIcon.react tag="span" />
      {trans.__('Try again')}
    </Button>
  );
  switch (subject) {
    case 'none':
      return (
        <Empty icon={notebookIcon} title={trans.__('No notebook is open')}>
          <p>{trans.__('Open a notebook to see the pipeline that it would become.')}</p>
        </Empty>
      );
    case 'other-language':
      return (
        <Empty icon={pythonIcon} title={trans.__('Not a Python notebook')}>
          <p>{trans.__('cellmill reads Python. This notebook is written in another language.')}</p>
        </Empty>
      );
    case 'missing':
      return (
        <Empty icon={lostIcon} title={trans.__("cellmill's server is not there")}>
          <p>
            {trans.__(
              'Install cellmill where JupyterLab runs, enable it with “jupyter server extension enable cellmill.lab”, and restart JupyterLab.'
            )}
          </p>
          {retry}
        </Empty>
      );
    case 'unreachable':
      return (
        <Empty icon={lostIcon} title={trans.__('No answer from the server')}>
          <p>{error || trans.__('JupyterLab can’t reach its server.')}</p>
          {retry}
        </Empty>
      );
    case 'loading':
      return (
        <div className="cellmill-Loading" role="status">
          {trans.__('Reading the notebook…')}
        </div>
      );
    case 'shown':
      return null;
  }
}

/** A notebook without steps: what they are for, and the way to the first ones. */
export function NoSteps() {
  const { trans, actions } = usePanel();
  return (
    <Empty icon={pipelineIcon} title={trans.__('No steps yet')}>
      <p>
        {trans.__(
          'Say which step each cell belongs to, and this notebook becomes a pipeline that runs without it.'
        )}
      </p>
      <Button className="jp-mod-styled jp-mod-accept" onClick={() => actions.suggestSteps()}>
        {trans.__('Suggest steps from headings')}
      </Button>
      <p className="cellmill-Muted">{trans.__('Or select a cell, press T, and name its step.')}</p>
    </Empty>
  );
}
