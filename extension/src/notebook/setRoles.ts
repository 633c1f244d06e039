// The one writer of roles: tags and magic lines of any number of cells, as one step to undo.

import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookModel } from '@jupyterlab/notebook';
import { tagsOf } from '../analysis';
import { sameTexts, changedPart } from './textEdit';
import { withRole, type IRole } from '../roles';

export interface IRoleChange {
  cell: ICellModel;
  role: IRole | null;
}

/** What `setRoles` did: cells that it changed, and cells that it may not change. */
export interface IRolesSet {
  changed: number;
  locked: number;
}

/** Give cells their roles. Lab's own Edit > Undo Cell Operation takes all of it back at once. */
export function setRoles(model: INotebookModel, changes: readonly IRoleChange[]): IRolesSet {
  const edits = changes
    .filter(({ cell }) => cell.type === 'code')
    .map(({ cell, role }) => {
      const before = { source: cell.sharedModel.getSource(), tags: tagsOf(cell) };
      return { cell, before, after: withRole(before.source, before.tags, role) };
    })
    .filter(
      ({ before, after }) => before.source !== after.source || !sameTexts(before.tags, after.tags)
    );
  const allowed = edits.filter(
    ({ cell, before, after }) =>
      !model.readOnly && (before.source === after.source || cell.getMetadata('editable') !== false)
  );
  if (allowed.length) {
    // Changes made within half a second of each other would else be undone together.
    stopCapturing(model);
    // Within the notebook's own transaction Lab's undo follows metadata too; alone, a tag's change can't be undone.
    model.sharedModel.transact(() => {
      for (const { cell, before, after } of allowed) {
        writeSource(cell, before.source, after.source);
        writeTags(cell, after.tags);
      }
    });
    stopCapturing(model);
  }
  return { changed: allowed.length, locked: edits.length - allowed.length };
}

function writeSource(cell: ICellModel, before: string, after: string): void {
  if (before !== after) {
    // Only the part that differs, so that cursors and marks elsewhere in the cell stay.
    const { start, end, text } = changedPart(before, after);
    cell.sharedModel.updateSource(start, end, text);
  }
}

function writeTags(cell: ICellModel, tags: readonly string[]): void {
  if (sameTexts(tagsOf(cell), tags)) {
    return;
  }
  if (tags.length) {
    cell.sharedModel.setMetadata('tags', [...tags]);
  } else {
    cell.sharedModel.deleteMetadata('tags');
  }
}

/** Lab's shared notebooks have an undo manager that their interface doesn't name. */
function stopCapturing(model: INotebookModel): void {
  const shared = model.sharedModel as { undoManager?: { stopCapturing(): void } };
  shared.undoManager?.stopCapturing();
}
