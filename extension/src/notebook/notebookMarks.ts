// What cellmill adds to one open notebook: marks on its cells, the role picker, and what marks say.

import type { Cell, ICellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { IDisposable } from '@lumino/disposable';
import { createElement } from 'react';
import type { NotebookAnalysis } from '../analysis';
import type { Client } from '../api/client';
import type { IFinding } from '../api/types';
import { roleOfTag, sameRole, type IRole } from '../roles';
import type { ICellmill } from '../tokens';
import { CellMarks } from './cellMarks';
import { Floating } from './floating';
import { byWeight, mergeNotes, notesOfFindings, type INote, type Notes } from './notes';
import { NotesView } from './notesView';
import { RoleBook } from './roleBook';
import { RolePicker } from './rolePicker';
import { setRoles, type IRoleChange } from './setRoles';

/** Milliseconds that the pointer rests before a mark speaks, and that it may be away before it stops. */
const HOVER = 250;

export class NotebookMarks implements IDisposable {
  constructor(
    readonly panel: NotebookPanel,
    cellmill: ICellmill,
    private _trans: TranslationBundle
  ) {
    this.client = cellmill.client;
    this.analysis = cellmill.of(panel);
    const { model } = panel.content;
    if (!model) {
      throw new Error('The notebook has no model yet.');
    }
    this.book = new RoleBook(model);
    this._marks = new CellMarks(panel, this.book, _trans, {
      onChip: (cell, chip) => this._onChip(cell, chip),
      onNote: (cell, mark, enter) => this._onNote(cell, mark, enter),
      onNoteLeft: mark => this._onNoteLeft(mark)
    });
    this.analysis.changed.connect(this._onNotesChanged, this);
    panel.disposed.connect(this.dispose, this);
    this._onNotesChanged();
  }

  readonly client: Client;
  readonly analysis: NotebookAnalysis;
  readonly book: RoleBook;

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Notes from elsewhere, shown beside the findings. */
  setKernelNotes(notes: Notes): void {
    this._kernelNotes = notes;
    this._onNotesChanged();
  }

  /** Cells with something to say, in notebook order. */
  cellsWithNotes(): Cell[] {
    return this.panel.content.widgets.filter(cell => this._marks.notesOf(cell).length > 0);
  }

  /** The selected code cells. */
  selected(): ICellModel[] {
    const { content } = this.panel;
    return content.widgets
      .filter(cell => content.isSelectedOrActive(cell) && cell.model.type === 'code')
      .map(cell => cell.model);
  }

  /** Give cells a role, and say so where that can't be done. Returns how many changed. */
  setRole(cells: readonly ICellModel[], role: IRole | null): number {
    return this.setRoles(cells.map(cell => ({ cell, role })));
  }

  setRoles(changes: readonly IRoleChange[]): number {
    const { model } = this.panel.content;
    if (!model) {
      return 0;
    }
    const { changed, locked } = setRoles(model, changes);
    if (locked) {
      const trans = this._trans;
      Notification.warning(
        model.readOnly
          ? trans.__(
              'The notebook is read-only, so its cells keep their roles. Save a copy to edit.'
            )
          : trans._n(
              '%1 cell is not editable and keeps its magic line. Make it editable in Property Inspector > Common Tools.',
              '%1 cells are not editable and keep their magic lines. Make them editable in Property Inspector > Common Tools.',
              locked,
              locked
            ),
        { autoClose: 6000 }
      );
    }
    return changed;
  }

  /** Let the user pick the role of the selected cells, beside the active one. */
  chooseRole(): void {
    const cell = this.panel.content.activeCell;
    const cells = this.selected();
    if (!cell || !cells.length) {
      return;
    }
    const chip = this._marks.chipOf(cell);
    const shown = chip && getComputedStyle(chip).display !== 'none';
    this._openPicker(shown ? chip : cell.node, cells);
  }

  /** Let a cell's mark speak. */
  showNotes(cell: Cell): void {
    const mark = this._marks.noteOf(cell);
    if (mark && !mark.hidden) {
      this._onNote(cell, mark, true);
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._box?.close();
    this._marks.dispose();
    this.book.dispose();
    this.analysis.changed.disconnect(this._onNotesChanged, this);
  }

  private _onChip(cell: Cell, chip: HTMLElement): void {
    const { content } = this.panel;
    if (this._box?.anchor === chip && !this._box.isDisposed) {
      this._box.close();
      return;
    }
    // A chip outside the selection speaks for its own cell.
    if (!content.isSelectedOrActive(cell)) {
      content.deselectAll();
      content.activeCellIndex = content.widgets.indexOf(cell);
    }
    this._openPicker(chip, this.selected());
  }

  private _openPicker(anchor: HTMLElement, cells: readonly ICellModel[]): void {
    const { content } = this.panel;
    const wasEditing = content.mode === 'edit';
    const roles = cells.map(cell => this.book.roleOf(cell));
    const current = roles.every(role => sameRole(role, roles[0])) ? roles[0] : undefined;
    const wasOnChip = document.activeElement === anchor && anchor.matches(':focus-visible');
    this._open(
      new Floating({
        anchor,
        className: 'cellmill-RolePicker',
        content: close =>
          createElement(RolePicker, {
            trans: this._trans,
            steps: this.book.steps,
            notebook: PathExt.basename(this.panel.context.path).replace(/\.ipynb$/, ''),
            current,
            cells: cells.length,
            colourOf: step => this.book.colourOf(step),
            countOf: step => this.book.countOf(step),
            pick: role => {
              this.setRole(cells, role);
              close();
            }
          }),
        onClosed: hadFocus => hadFocus && this._focusBack(wasOnChip ? anchor : null, wasEditing)
      })
    );
  }

  private _focusBack(chip: HTMLElement | null, wasEditing: boolean): void {
    if (chip?.isConnected) {
      chip.focus();
      return;
    }
    this.panel.content.mode = wasEditing ? 'edit' : 'command';
    this.panel.content.activate();
  }

  private _onNote(cell: Cell, mark: HTMLElement, enter: boolean): void {
    clearTimeout(this._hover);
    const isOpen = this._box?.anchor === mark && !this._box.isDisposed;
    if (isOpen && !enter) {
      return;
    }
    if (!enter) {
      this._hover = window.setTimeout(() => this._openNotes(cell, mark, false), HOVER);
    } else if (isOpen) {
      this._focusIn();
    } else {
      this._openNotes(cell, mark, true);
    }
  }

  private _openNotes(cell: Cell, mark: HTMLElement, enter: boolean): void {
    const said = (): readonly INote[] => byWeight(this._marks.notesOf(cell));
    // Hovering must not close the picker that somebody works in.
    const busy = this._box?.hasClass('cellmill-RolePicker') && !this._box.isDisposed;
    if (!said().length || !mark.isConnected || (busy && !enter)) {
      return;
    }
    const box = new Floating({
      anchor: mark,
      className: 'cellmill-Notes',
      content: close => {
        const notes = said();
        if (!notes.length) {
          queueMicrotask(close);
        }
        return createElement(NotesView, { trans: this._trans, notes, close });
      },
      onClosed: hadFocus => hadFocus && mark.isConnected && mark.focus()
    });
    box.node.tabIndex = -1;
    box.node.setAttribute('role', 'dialog');
    box.node.setAttribute('aria-label', this._trans.__('About this cell'));
    box.node.addEventListener('mouseenter', () => clearTimeout(this._hover));
    box.node.addEventListener('mouseleave', () => this._onNoteLeft(mark));
    this._open(box);
    if (enter) {
      void box.renderPromise?.then(() => this._focusIn());
    }
  }

  private _focusIn(): void {
    const node = this._box?.node;
    (node?.querySelector<HTMLElement>('button') ?? node)?.focus();
  }

  private _onNoteLeft(mark: HTMLElement): void {
    clearTimeout(this._hover);
    this._hover = window.setTimeout(() => {
      const box = this._box;
      const wanted = box?.node.contains(document.activeElement) || document.activeElement === mark;
      if (box && box.anchor === mark && !box.isDisposed && !wanted) {
        box.close();
      }
    }, HOVER);
  }

  private _open(box: Floating): void {
    clearTimeout(this._hover);
    if (this._box && !this._box.isDisposed) {
      this._box.close();
    }
    this._box = box.open();
  }

  private _onNotesChanged(): void {
    const findings = this.analysis.result?.findings ?? [];
    const notes = notesOfFindings(findings, (finding, index) => this._fix(finding, index));
    this._marks.setNotes(mergeNotes(notes, this._kernelNotes));
    // What is open must not go on to say what is no longer so.
    if (this._box?.hasClass('cellmill-Notes') && !this._box.isDisposed) {
      this._box.update();
    }
  }

  private _fix(finding: IFinding, index: number): void {
    const action = finding.fixes?.[index]?.action;
    const cells = this.panel.content.model?.cells ?? [];
    const cell = Array.from(cells).find(one => one.id === action?.cell_id);
    if (action?.type === 'set-role' && cell) {
      this.setRole([cell], action.role === null ? null : roleOfTag(action.role));
    }
  }

  private _marks: CellMarks;
  private _kernelNotes: Notes = new Map();
  private _box: Floating | null = null;
  private _hover = 0;
  private _isDisposed = false;
}
