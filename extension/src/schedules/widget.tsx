// The widget of the tab of schedules.

import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { IPanelServices, PanelContext } from '../panel/context';
import { scheduleIcon } from '../theme/pipelineIcons';
import type { SchedulesModel } from './model';
import { Schedules } from './view';

export class SchedulesPanel extends ReactWidget {
  constructor(
    readonly model: SchedulesModel,
    private _services: IPanelServices
  ) {
    super();
    const { trans } = _services;
    this.addClass('cellmill-Panel');
    this.addClass('cellmill-Schedules');
    this.title.label = trans.__('Schedules');
    this.title.icon = scheduleIcon;
    this.title.caption = trans.__('Schedules of the workspace');
    this.title.closable = true;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Schedules'));
    this.node.tabIndex = -1;
  }

  dispose(): void {
    this.model.dispose();
    super.dispose();
  }

  protected onActivateRequest(msg: Message): void {
    super.onActivateRequest(msg);
    if (!this.node.contains(document.activeElement)) {
      this.node.focus();
    }
  }

  protected onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this.model.look(true);
  }

  protected onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    this.model.look(false);
  }

  protected onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    if (this.isVisible) {
      this.model.look(true);
    }
  }

  protected render(): JSX.Element {
    return (
      <PanelContext.Provider value={this._services}>
        <Schedules model={this.model} />
      </PanelContext.Provider>
    );
  }
}
