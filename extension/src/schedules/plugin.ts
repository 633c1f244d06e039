// The plugin of schedules: their tab in the main area, and the commands that lead there.

import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IPanelServices } from '../panel/context';
import { scheduleIcon } from '../theme/pipelineIcons';
import { CommandIDs, ICellmill } from '../tokens';
import { newDraft } from './draft';
import { SchedulesModel } from './model';
import { SchedulesPanel } from './widget';

export const schedulesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'cellmill:schedules',
  description: 'Lists, makes and changes the schedules of pipelines and notebooks.',
  autoStart: true,
  requires: [ICellmill, IPanelServices, INotebookTracker],
  optional: [ILayoutRestorer, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    cellmill: ICellmill,
    services: IPanelServices,
    notebooks: INotebookTracker,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null
  ): void => {
    const { commands, shell } = app;
    const { trans } = services;
    const tracker = new WidgetTracker<MainAreaWidget<SchedulesPanel>>({
      namespace: 'cellmill-schedules'
    });
    let tab: MainAreaWidget<SchedulesPanel> | null = null;
    const show = (): SchedulesModel => {
      if (!tab || tab.isDisposed) {
        tab = new MainAreaWidget({
          content: new SchedulesPanel(new SchedulesModel(cellmill), services)
        });
        tab.id = 'cellmill-schedules';
        void tracker.add(tab);
      }
      if (!tab.isAttached) {
        shell.add(tab, 'main', { type: 'Schedules' });
      }
      shell.activateById(tab.id);
      return tab.content.model;
    };

    commands.addCommand(CommandIDs.showSchedules, {
      label: trans.__('Show Schedules'),
      caption: trans.__('List the schedules of the workspace, and what became of their times'),
      icon: args => (args.isPalette ? undefined : scheduleIcon),
      execute: () => void show()
    });
    commands.addCommand(CommandIDs.schedulePipeline, {
      label: trans.__('Schedule Pipeline…'),
      caption: trans.__('Make a schedule for the current notebook’s pipeline'),
      icon: args => (args.isPalette ? undefined : scheduleIcon),
      isEnabled: args => typeof args.pipeline === 'string' || !!services.model.state.folder,
      execute: args => {
        const given = typeof args.pipeline === 'string' ? args.pipeline : '';
        show().edit(newDraft(given || services.model.state.folder));
      }
    });
    commands.addCommand(CommandIDs.scheduleNotebook, {
      label: trans.__('Schedule Notebook…'),
      caption: trans.__('Run the current notebook as it is, without promoting it'),
      icon: args => (args.isPalette ? undefined : scheduleIcon),
      isEnabled: () => notebooks.currentWidget !== null,
      execute: () => {
        const path = notebooks.currentWidget?.context.localPath;
        if (path) {
          show().edit(newDraft(PathExt.dirname(path) || '.', PathExt.basename(path)));
        }
      }
    });
    services.model.changed.connect(() =>
      commands.notifyCommandChanged(CommandIDs.schedulePipeline)
    );
    void restorer?.restore(tracker, {
      command: CommandIDs.showSchedules,
      name: () => 'schedules'
    });
    const category = trans.__('Pipelines');
    [CommandIDs.showSchedules, CommandIDs.schedulePipeline, CommandIDs.scheduleNotebook].forEach(
      command => palette?.addItem({ command, category })
    );
  }
};
