// What the kernel's state means for the user, in notes on cells.

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IUndefined } from '../api/types';
import type { INote, INoteAction } from './notes';
import type { IStale } from './runOrder';

export interface IKernelNotesOptions {
  trans: TranslationBundle;
  /** Place of a cell in the notebook from 1. */
  numberOf: (cellId: string) => number;
  restartAndRunAll: () => void;
  runCell: (cellId: string) => void;
  goTo: (cellId: string) => void;
}

export function kernelNotes(
  ghosts: readonly IUndefined[],
  stale: readonly IStale[],
  options: IKernelNotesOptions
): Map<string, INote[]> {
  const { trans } = options;
  const restart: INoteAction = {
    label: trans.__('Restart and run all'),
    run: options.restartAndRunAll
  };
  const notes = new Map<string, INote[]>();
  const add = (cell: string, note: Omit<INote, 'kind' | 'code'>): void => {
    notes.set(cell, [...(notes.get(cell) ?? []), { kind: 'stale', code: '', ...note }]);
  };
  for (const { name, cell_id: cell, line } of ghosts) {
    add(cell, {
      message: trans.__('%1 lives only in the kernel: no cell defines it any more.', name),
      remedy: trans.__(
        'It works now, and fails after a restart and in the pipeline. Define it in a cell.'
      ),
      line,
      actions: [restart]
    });
  }
  for (const { id, reason, because } of stale) {
    const again: INoteAction = { label: trans.__('Run this cell'), run: () => options.runCell(id) };
    if (reason === 'edited') {
      add(id, {
        message: trans.__('The cell was edited after it ran.'),
        remedy: trans.__('What it shows and what the kernel holds come from its earlier text.'),
        line: null,
        actions: [again]
      });
    } else if (because) {
      const number = options.numberOf(because);
      add(id, {
        message: trans.__('Cell %1 above ran after this one.', number),
        remedy: trans.__('The result here may come from older values.'),
        line: null,
        actions: [
          again,
          { label: trans.__('Go to cell %1', number), run: () => options.goTo(because) },
          restart
        ]
      });
    }
  }
  return notes;
}
