// The plugin that shows and changes roles in notebooks: chips, findings in place, commands.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator } from '@jupyterlab/translation';
import { CommandIDs, ICellmill } from '../tokens';
import { addCommands, addToPalette } from './commands';
import { watchKernel } from './kernelWatch';
import { NotebookMarks } from './notebookMarks';

const ID = 'cellmill:notebook';

/** Settings that only change how things look: a class on the page's body each. */
const LOOKS = { showChips: 'cellmill-mod-noChips', showBars: 'cellmill-mod-noBars' };

export const notebookPlugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description:
    "Shows each cell's step and what keeps the notebook from being promoted, and changes it.",
  autoStart: true,
  requires: [ICellmill, INotebookTracker, ITranslator],
  optional: [ISettingRegistry, ICommandPalette, IDocumentManager],
  activate: (
    app: JupyterFrontEnd,
    cellmill: ICellmill,
    tracker: INotebookTracker,
    translator: ITranslator,
    registry: ISettingRegistry | null,
    palette: ICommandPalette | null,
    documents: IDocumentManager | null
  ): void => {
    const trans = translator.load('cellmill');
    const settings = registry ? registry.load(ID) : null;
    const marks = new WeakMap<NotebookPanel, NotebookMarks>();
    const add = async (panel: NotebookPanel): Promise<void> => {
      await panel.context.ready;
      if (isProduct(panel.context.localPath)) {
        return;
      }
      if (!panel.isDisposed && panel.content.model && !marks.has(panel)) {
        const made = new NotebookMarks(panel, cellmill, trans);
        marks.set(panel, made);
        watchKernel(made, app.commands, trans, await settings);
        tell();
      }
    };
    const current = (): NotebookMarks | null => {
      const panel = tracker.currentWidget;
      return (panel && marks.get(panel)) ?? null;
    };
    const tell = (): void =>
      [
        CommandIDs.chooseRole,
        CommandIDs.setRole,
        CommandIDs.suggestSteps,
        CommandIDs.nextFinding,
        CommandIDs.previousFinding
      ].forEach(id => app.commands.notifyCommandChanged(id));

    addCommands({ app, tracker, documents, trans, current });
    if (palette) {
      addToPalette(palette);
    }
    tracker.widgetAdded.connect((_, panel) => void add(panel));
    tracker.forEach(panel => void add(panel));
    tracker.currentChanged.connect(tell);
    void settings?.then(followLooks);
  }
};

/** Whether a run has made the notebook: its roles are those of its source, and nothing there is to be mended. */
export function isProduct(path: string): boolean {
  return /(^|\/)pipelines\/[^/]+\/output\/[^/]+\.ipynb$/.test(path);
}

function followLooks(settings: ISettingRegistry.ISettings): void {
  const apply = (): void => {
    for (const [name, className] of Object.entries(LOOKS)) {
      document.body.classList.toggle(className, settings.get(name).composite === false);
    }
  };
  settings.changed.connect(apply);
  apply();
}
