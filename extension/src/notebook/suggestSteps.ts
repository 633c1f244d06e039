// Steps proposed from the headings: asked of the server, shown, and set as one step to undo.

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ApiError } from '../api/client';
import type { ISuggestion } from '../api/types';
import { roleOfTag } from '../roles';
import type { NotebookMarks } from './notebookMarks';
import { askProposals, type IProposal } from './suggestDialog';

/** Returns how many cells got a role. */
export async function suggestSteps(
  marks: NotebookMarks,
  trans: TranslationBundle
): Promise<number> {
  let suggestions: readonly ISuggestion[];
  try {
    suggestions = await marks.client.suggest(marks.analysis.source());
  } catch (error) {
    const reason = error instanceof ApiError ? error.message : String(error);
    await showDialog({
      title: trans.__('No steps can be suggested'),
      body: reason,
      buttons: [Dialog.okButton({ label: trans.__('Close') })]
    });
    return 0;
  }
  const proposals = readProposals(marks, suggestions);
  if (!proposals.length) {
    Notification.info(trans.__('Every cell has a role already. Click a chip to change one.'), {
      autoClose: 4000
    });
    return 0;
  }
  const taken = await askProposals(proposals, trans);
  const roles = new Map(taken.map(one => [one.cellId, one.role]));
  const cells = Array.from(marks.panel.content.model?.cells ?? []);
  // The next key is for the notebook, above all Z, which takes the roles back.
  marks.panel.content.mode = 'command';
  marks.panel.content.activate();
  return marks.setRoles(
    cells.flatMap(cell => {
      const role = roles.get(cell.id);
      return role ? [{ cell, role }] : [];
    })
  );
}

function readProposals(marks: NotebookMarks, suggestions: readonly ISuggestion[]): IProposal[] {
  const cells = Array.from(marks.panel.content.model?.cells ?? []);
  return suggestions.flatMap(({ cell_id: cellId, role: tag, heading }) => {
    const index = cells.findIndex(cell => cell.id === cellId);
    const role = roleOfTag(tag);
    if (index < 0 || !role) {
      return [];
    }
    const source = cells[index].sharedModel.getSource();
    const code = source.split('\n').find(line => line.trim() && !line.trim().startsWith('#'));
    return [
      { cellId, role, heading, number: index + 1, code: (code ?? source).trim().slice(0, 200) }
    ];
  });
}
