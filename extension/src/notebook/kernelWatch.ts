// Puts what the kernel's state says on a notebook's cells, as long as the setting asks for it.

import { NotebookActions } from '@jupyterlab/notebook';
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import { CommandIDs } from '../tokens';
import { kernelNotes } from './kernelNotes';
import { KernelState } from './kernelState';
import type { NotebookMarks } from './notebookMarks';

export function watchKernel(
  marks: NotebookMarks,
  commands: CommandRegistry,
  trans: TranslationBundle,
  settings: ISettingRegistry.ISettings | null
): void {
  const { panel } = marks;
  let state: KernelState | null = null;
  const indexOf = (id: string): number =>
    panel.content.widgets.findIndex(cell => cell.model.id === id);

  const show = (): void => {
    const notes = kernelNotes(state?.ghosts ?? [], state?.stale ?? [], {
      trans,
      numberOf: id => indexOf(id) + 1,
      restartAndRunAll: () => void commands.execute('notebook:restart-run-all'),
      goTo: id => void commands.execute(CommandIDs.goToCell, { cell_id: id }),
      runCell: id => {
        panel.content.deselectAll();
        panel.content.activeCellIndex = indexOf(id);
        void NotebookActions.run(panel.content, panel.sessionContext);
      }
    });
    marks.setKernelNotes(notes);
  };
  const apply = (): void => {
    const wanted = settings?.get('kernelState').composite !== false;
    if (wanted && !state) {
      state = new KernelState(panel, marks.analysis, marks.book);
      state.changed.connect(show);
    } else if (!wanted && state) {
      state.dispose();
      state = null;
      show();
    }
  };
  apply();
  settings?.changed.connect(apply);
  panel.disposed.connect(() => {
    settings?.changed.disconnect(apply);
    state?.dispose();
  });
}
