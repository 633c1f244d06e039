// Chips, colour bars and marks on the cells of one notebook: small elements drawn over the cell, outside its layout.

import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, checkIcon } from '@jupyterlab/ui-components';
import { IDisposable } from '@lumino/disposable';
import type { ICellRole } from '../api/types';
import { NOTE_ICONS } from '../theme/noteIcons';
import { byWeight, type INote, type Notes } from './notes';
import type { RoleBook } from './roleBook';
import { roleSentence, roleText } from './texts';

/** What the user asked of a mark. */
export interface IMarkEvents {
  onChip(cell: Cell, chip: HTMLElement): void;
  /** `enter` tells that the focus is to go into what opens. */
  onNote(cell: Cell, mark: HTMLElement, enter: boolean): void;
  onNoteLeft(mark: HTMLElement): void;
}

interface IMark {
  node: HTMLElement;
  chip: HTMLButtonElement;
  note: HTMLButtonElement;
  /** What is drawn, to draw nothing twice. */
  drawn: string;
}

/** Draws and keeps current what is on the cells; a change redraws only the cells that look different. */
export class CellMarks implements IDisposable {
  constructor(
    private _panel: NotebookPanel,
    private _book: RoleBook,
    private _trans: TranslationBundle,
    private _events: IMarkEvents
  ) {
    _book.changed.connect(this.update, this);
    _panel.content.activeCellChanged.connect(this._onActiveCellChanged, this);
    this.update();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  setNotes(notes: Notes): void {
    this._notes = notes;
    this.update();
  }

  notesOf(cell: Cell): readonly INote[] {
    return this._notes.get(cell.model.id) ?? [];
  }

  /** The elements on a cell, for boxes to float beside. */
  chipOf(cell: Cell): HTMLElement | null {
    return this._marks.get(cell)?.chip ?? null;
  }

  noteOf(cell: Cell): HTMLElement | null {
    return this._marks.get(cell)?.note ?? null;
  }

  /** Draw before the page is shown next; many changes at once are drawn once. */
  update(): void {
    if (!this._frame && !this._isDisposed) {
      this._frame = requestAnimationFrame(() => {
        this._frame = 0;
        this.draw();
      });
    }
  }

  draw(): void {
    if (this._isDisposed || this._panel.isDisposed) {
      return;
    }
    let hasRoles = false;
    for (const cell of this._panel.content.widgets) {
      if (cell.model.type === 'code') {
        this._draw(cell);
        hasRoles ||= this._book.roleOf(cell.model) !== null;
      }
    }
    this._panel.content.toggleClass('cellmill-mod-roles', hasRoles);
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    cancelAnimationFrame(this._frame);
    this._book.changed.disconnect(this.update, this);
    if (!this._panel.isDisposed) {
      this._panel.content.activeCellChanged.disconnect(this._onActiveCellChanged, this);
      this._panel.content.widgets.forEach(cell => this._remove(cell));
      this._panel.content.removeClass('cellmill-mod-roles');
    }
  }

  handleEvent(event: Event): void {
    const target = event.target instanceof Element ? event.target.closest('button') : null;
    const cell = this._panel.content.widgets.find(one => one.node.contains(target));
    if (!target || !cell) {
      return;
    }
    const isNote = target.classList.contains('cellmill-Note');
    switch (event.type) {
      case 'mousedown':
      case 'dblclick':
        // Not for the notebook, which would begin to select, drag or edit.
        event.stopPropagation();
        break;
      case 'click':
        if (isNote) {
          this._events.onNote(cell, target, true);
        } else {
          this._events.onChip(cell, target);
        }
        break;
      case 'keydown':
        this._onKey(event as KeyboardEvent, cell, target, isNote);
        break;
      case 'mouseover':
        if (isNote) {
          this._events.onNote(cell, target, false);
        }
        break;
      case 'focusin':
        if (isNote && target.matches(':focus-visible')) {
          this._events.onNote(cell, target, false);
        }
        break;
      case 'mouseout':
      case 'focusout':
        if (isNote) {
          this._events.onNoteLeft(target);
        }
        break;
    }
  }

  private _onKey(event: KeyboardEvent, cell: Cell, target: HTMLElement, isNote: boolean): void {
    if (event.key === 'Escape') {
      event.preventDefault();
      this._panel.content.activate();
    } else if (event.key === 'ArrowDown' && isNote) {
      event.preventDefault();
      this._events.onNote(cell, target, true);
    } else if (event.key === 'ArrowDown') {
      event.preventDefault();
      this._events.onChip(cell, target);
    }
    event.stopPropagation();
  }

  private _draw(cell: Cell): void {
    const role = this._book.roleOf(cell.model);
    const notes = byWeight(this.notesOf(cell));
    const colour = role?.name ? this._book.colourOf(role.name) : '';
    const worst = notes[0];
    const drawn = `${role?.kind}|${role?.name}|${role?.origin}|${colour}|${worst?.kind}|${notes.length}|${worst?.message}`;
    const mark = this._marks.get(cell) ?? this._add(cell);
    if (mark.drawn === drawn) {
      return;
    }
    mark.drawn = drawn;
    if (role) {
      cell.node.dataset.cellmillRole = role.kind;
    } else {
      delete cell.node.dataset.cellmillRole;
    }
    cell.node.style.setProperty('--cellmill-colour', colour || null);
    this._drawChip(mark.chip, role);
    this._drawNote(mark.note, notes);
  }

  private _drawChip(chip: HTMLButtonElement, role: ICellRole | null): void {
    const trans = this._trans;
    const label = document.createElement('span');
    label.className = 'cellmill-Chip-label';
    label.textContent = role
      ? role.kind === 'check'
        ? (role.name ?? '')
        : roleText(role, trans)
      : trans.__('step');
    const icon = !role ? addIcon : role.kind === 'check' ? checkIcon : null;
    const parts = icon
      ? [icon.element({ tag: 'span', className: 'cellmill-Chip-icon' }), label]
      : [label];
    chip.replaceChildren(...parts);
    chip.classList.toggle('cellmill-mod-empty', !role);
    const origin = role?.origin === 'magic' ? trans.__(' (set by the cell’s magic line)') : '';
    chip.title = role
      ? roleSentence(role, trans) + origin
      : trans.__('Make the cell part of a step');
    chip.setAttribute(
      'aria-label',
      role
        ? trans.__('%1. Change the cell’s role', roleSentence(role, trans) + origin)
        : trans.__('Make the cell part of a step')
    );
  }

  private _drawNote(button: HTMLButtonElement, notes: readonly INote[]): void {
    const [worst] = notes;
    button.hidden = !worst;
    if (!worst) {
      button.replaceChildren();
      return;
    }
    button.dataset.kind = worst.kind;
    button.replaceChildren(
      NOTE_ICONS[worst.kind].element({ tag: 'span', className: 'cellmill-Note-icon' })
    );
    if (notes.length > 1) {
      const count = document.createElement('span');
      count.textContent = String(notes.length);
      button.append(count);
    }
    button.setAttribute('aria-label', noteLabel(worst, notes.length, this._trans));
  }

  private _add(cell: Cell): IMark {
    const node = document.createElement('div');
    node.className = 'cellmill-CellMark';
    // Keys on a focused mark are for the mark: Enter opens it, and does not edit the cell.
    node.dataset.lmSuppressShortcuts = 'true';
    const chip = button('cellmill-Chip');
    const note = button('cellmill-Note');
    chip.setAttribute('aria-haspopup', 'listbox');
    note.setAttribute('aria-haspopup', 'dialog');
    note.hidden = true;
    const tabIndex = cell === this._panel.content.activeCell ? 0 : -1;
    chip.tabIndex = note.tabIndex = tabIndex;
    node.append(chip, note);
    for (const type of EVENTS) {
      node.addEventListener(type, this);
    }
    cell.node.prepend(node);
    const mark = { node, chip, note, drawn: '' };
    this._marks.set(cell, mark);
    return mark;
  }

  private _remove(cell: Cell): void {
    this._marks.get(cell)?.node.remove();
    this._marks.delete(cell);
    delete cell.node.dataset.cellmillRole;
    cell.node.style.removeProperty('--cellmill-colour');
  }

  /** Tab reaches the active cell's marks only: a long notebook must not be a long row of tab stops. */
  private _onActiveCellChanged(): void {
    const active = this._panel.content.activeCell;
    for (const [cell, tabIndex] of [[this._active, -1] as const, [active, 0] as const]) {
      const mark = cell && this._marks.get(cell);
      if (mark) {
        mark.chip.tabIndex = mark.note.tabIndex = tabIndex;
      }
    }
    this._active = active;
  }

  private _marks = new WeakMap<Cell, IMark>();
  private _notes: Notes = new Map();
  private _active: Cell | null = null;
  private _frame = 0;
  private _isDisposed = false;
}

const EVENTS = [
  'mousedown',
  'dblclick',
  'click',
  'keydown',
  'mouseover',
  'mouseout',
  'focusin',
  'focusout'
] as const;

function button(className: string): HTMLButtonElement {
  const node = document.createElement('button');
  node.type = 'button';
  node.className = className;
  return node;
}

function noteLabel(note: INote, count: number, trans: TranslationBundle): string {
  const more = count > 1 ? trans._n(' And %1 more.', ' And %1 more.', count - 1, count - 1) : '';
  switch (note.kind) {
    case 'error':
      return trans.__('Error: %1', note.message) + more;
    case 'warning':
      return trans.__('Warning: %1', note.message) + more;
    default:
      return trans.__('Note: %1', note.message) + more;
  }
}
