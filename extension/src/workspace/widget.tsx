// The left side bar's widget around the workspace's pipelines and runs.

import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { IPanelServices, PanelContext } from '../panel/context';
import { pipelinesIcon } from '../theme/pipelineIcons';
import type { WorkspaceModel } from './model';
import { Workspace } from './view';

export class WorkspacePanel extends ReactWidget {
  constructor(
    private _model: WorkspaceModel,
    private _services: IPanelServices
  ) {
    super();
    const { trans } = _services;
    this.id = 'cellmill-pipelines';
    this.addClass('cellmill-Panel');
    this.addClass('cellmill-Workspace');
    this.title.icon = pipelinesIcon;
    this.title.caption = trans.__('Pipelines of the workspace');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Pipelines'));
  }

  dispose(): void {
    this._model.dispose();
    super.dispose();
  }

  protected onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._model.look();
  }

  protected onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    if (this.isVisible) {
      this._model.look();
    }
  }

  protected render(): JSX.Element {
    return (
      <PanelContext.Provider value={this._services}>
        <Workspace model={this._model} />
      </PanelContext.Provider>
    );
  }
}
