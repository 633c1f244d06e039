// Brings a cell before the user's eyes, opening its notebook if need be.

import type { IDocumentManager } from '@jupyterlab/docmanager';
import { NotebookPanel, type INotebookTracker } from '@jupyterlab/notebook';
import type { JupyterFrontEnd } from '@jupyterlab/application';

const FLASH = 1200;

export interface IGoToCellArgs {
  /** The notebook's path below the server's root; the current notebook if absent. */
  path?: string;
  cell_id?: string;
  /** Place in the notebook from 1, for notebooks whose cells have no ids. */
  cell?: number;
  /** Line in the cell from 1: the cursor goes there. */
  line?: number;
}

/** Show a cell; false if there is no such notebook or cell. */
export async function goToCell(
  args: IGoToCellArgs,
  app: JupyterFrontEnd,
  tracker: INotebookTracker,
  documents: IDocumentManager | null
): Promise<boolean> {
  const panel = args.path ? openNotebook(args.path, tracker, documents) : tracker.currentWidget;
  if (!panel) {
    return false;
  }
  app.shell.activateById(panel.id);
  await panel.context.ready;
  await panel.revealed;
  const { content } = panel;
  const byId = content.widgets.findIndex(cell => cell.model.id === args.cell_id);
  const index = byId >= 0 ? byId : (args.cell ?? 0) - 1;
  const cell = content.widgets[index];
  if (!cell) {
    return false;
  }
  content.deselectAll();
  content.activeCellIndex = index;
  await content.scrollToItem(index, 'smart');
  await cell.ready;
  const lines = cell.model.sharedModel.getSource().split('\n').length;
  if (args.line && args.line <= lines && cell.editor) {
    const line = args.line - 1;
    const column = cell.editor.getLine(line)?.length ?? 0;
    cell.editor.setSelection({ start: { line, column: 0 }, end: { line, column } });
    content.mode = 'edit';
  }
  content.activate();
  flash(cell.node);
  return true;
}

/** The notebook at a path, opened if need be. */
export function openNotebook(
  path: string,
  tracker: INotebookTracker,
  documents: IDocumentManager | null
): NotebookPanel | null {
  const found = tracker.find(
    panel => panel.context.path === path || panel.context.localPath === path
  );
  const opened = found ?? documents?.openOrReveal(path, 'Notebook');
  return opened instanceof NotebookPanel ? opened : null;
}

function flash(node: HTMLElement): void {
  node.classList.remove('cellmill-mod-flash');
  // Restarts the animation if it is still running.
  void node.offsetWidth;
  node.classList.add('cellmill-mod-flash');
  setTimeout(() => node.classList.remove('cellmill-mod-flash'), FLASH);
}
