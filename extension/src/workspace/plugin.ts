// The plugin of the workspace's pipelines: their place in the left side bar, and the command that leads there.

import {
  ILabShell,
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IPanelServices } from '../panel/context';
import { pipelinesIcon } from '../theme/pipelineIcons';
import { CommandIDs, ICellmill } from '../tokens';
import { WorkspaceModel } from './model';
import { WorkspacePanel } from './widget';

export const workspacePlugin: JupyterFrontEndPlugin<void> = {
  id: 'cellmill:workspace',
  description: 'Lists the pipelines and runs of the whole workspace.',
  autoStart: true,
  requires: [ICellmill, IPanelServices],
  optional: [ILayoutRestorer, ICommandPalette, ILabShell],
  activate: (
    app: JupyterFrontEnd,
    cellmill: ICellmill,
    services: IPanelServices,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    labShell: ILabShell | null
  ): void => {
    const { trans } = services;
    const panel = new WorkspacePanel(new WorkspaceModel(cellmill), services);
    app.shell.add(panel, 'left', { rank: 350, type: 'Pipelines' });
    restorer?.add(panel, panel.id);
    app.commands.addCommand(CommandIDs.showPipelines, {
      label: trans.__('Show Pipelines of the Workspace'),
      caption: trans.__('List all pipelines and their runs'),
      icon: args => (args.isPalette ? undefined : pipelinesIcon),
      execute: () => {
        labShell?.expandLeft();
        app.shell.activateById(panel.id);
      }
    });
    palette?.addItem({ command: CommandIDs.showPipelines, category: trans.__('Pipelines') });
  }
};
