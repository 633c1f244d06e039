// The right side bar's widget around the pipeline panel's views.

import { ReactWidget } from '@jupyterlab/ui-components';
import { pipelineIcon } from '../theme/pipelineIcons';
import type { IPanelServices } from './context';
import { Panel } from './views/panel';

export class PipelinePanel extends ReactWidget {
  constructor(private _services: IPanelServices) {
    super();
    const { trans } = _services;
    this.id = 'cellmill-pipeline';
    this.addClass('cellmill-Panel');
    this.title.icon = pipelineIcon;
    this.title.caption = trans.__('Pipeline of the current notebook');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Pipeline'));
  }

  dispose(): void {
    this._services.model.dispose();
    super.dispose();
  }

  protected render(): JSX.Element {
    return <Panel services={this._services} />;
  }
}
