// The plugin of the pipeline panel: its place in the right side bar, and the commands that lead to it.

import {
  ILabShell,
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { runIcon } from '@jupyterlab/ui-components';
import { CommandIDs, ICellmill } from '../tokens';
import { pipelineIcon, promoteIcon } from '../theme/pipelineIcons';
import { Actions } from './actions';
import { IPanelServices } from './context';
import { PipelineModel } from './model';
import { promoteNotebook } from './promotion';
import { PipelinePanel } from './widget';

export const panelPlugin: JupyterFrontEndPlugin<IPanelServices> = {
  id: 'cellmill:panel',
  description: 'Shows the pipeline that the current notebook would become, promotes it, runs it.',
  autoStart: true,
  provides: IPanelServices,
  requires: [ICellmill, IDocumentManager, INotebookTracker],
  optional: [ITranslator, ILayoutRestorer, ICommandPalette, ILabShell],
  activate: (
    app: JupyterFrontEnd,
    cellmill: ICellmill,
    documents: IDocumentManager,
    tracker: INotebookTracker,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    labShell: ILabShell | null
  ): IPanelServices => {
    const trans = (translator ?? nullTranslator).load('cellmill');
    const services: IPanelServices = {
      model: new PipelineModel(cellmill),
      actions: new Actions(app.commands, documents, trans),
      trans,
      isShown: () => panel.isVisible
    };
    const panel = new PipelinePanel(services);
    app.shell.add(panel, 'right', { rank: 900, type: 'Pipeline' });
    restorer?.add(panel, panel.id);
    addCommands(app, services, panel, tracker, labShell);
    const category = trans.__('Pipelines');
    for (const command of [CommandIDs.promote, CommandIDs.runPipeline, CommandIDs.showPipeline]) {
      palette?.addItem({ command, category });
    }
    return services;
  }
};

function addCommands(
  app: JupyterFrontEnd,
  services: IPanelServices,
  panel: PipelinePanel,
  tracker: INotebookTracker,
  labShell: ILabShell | null
): void {
  const { commands, shell } = app;
  const { model, trans } = services;
  const inNotebook = (): boolean => tracker.currentWidget !== null;
  const reveal = (): void => {
    labShell?.expandRight();
    shell.activateById(panel.id);
  };

  commands.addCommand(CommandIDs.promote, {
    label: args => (args.toolbar ? '' : trans.__('Promote Notebook to Pipeline')),
    caption: trans.__('Save the notebook and write its pipeline folder'),
    icon: args => (args.isPalette ? undefined : promoteIcon),
    isEnabled: inNotebook,
    execute: async () => {
      const notebook = model.analysis?.panel ?? tracker.currentWidget;
      return notebook ? promoteNotebook(notebook, services) : null;
    }
  });

  commands.addCommand(CommandIDs.runPipeline, {
    label: trans.__('Run Pipeline'),
    caption: trans.__('Run the current notebook’s pipeline, as it was promoted last'),
    icon: args => (args.isPalette ? undefined : runIcon),
    isEnabled: args => typeof args.pipeline === 'string' || !!model.state.folder,
    execute: async args => {
      const folder = typeof args.pipeline === 'string' ? args.pipeline : model.state.folder;
      if (!folder) {
        return null;
      }
      const run = await model.start({}, folder);
      if (folder === model.state.folder) {
        reveal();
      }
      return run;
    }
  });

  commands.addCommand(CommandIDs.showPipeline, {
    label: trans.__('Show Pipeline of the Notebook'),
    caption: trans.__('Show the steps, readiness and runs of the current notebook’s pipeline'),
    icon: args => (args.isPalette ? undefined : pipelineIcon),
    execute: reveal
  });
  model.changed.connect(() => commands.notifyCommandChanged(CommandIDs.runPipeline));
}
