// The roles of one notebook's cells as they stand in the editor: known at once, without asking the server.

import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookModel } from '@jupyterlab/notebook';
import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';
import type { ICellRole } from '../api/types';
import { tagsOf } from '../analysis';
import { roleOf, sameRole } from '../roles';
import { stepColours } from '../theme/colours';

type ISharedCell = ICellModel['sharedModel'];

/** Keeps each cell's role current. A keystroke costs the reading of one cell's first line. */
export class RoleBook implements IDisposable {
  constructor(readonly model: INotebookModel) {
    model.cells.changed.connect(this._onCellsChanged, this);
    this._onCellsChanged();
  }

  /** A role, or the order of cells, changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  roleOf(cell: ICellModel): ICellRole | null {
    return this._roles.get(cell.sharedModel) ?? null;
  }

  /** The notebook's steps in the order of their first cells. */
  get steps(): readonly string[] {
    return this._named().steps;
  }

  /** How many cells a step has, its checks left out. */
  countOf(step: string): number {
    return this._named().counts.get(step) ?? 0;
  }

  /** A step's colour in CSS; empty for names that no cell has. */
  colourOf(step: string): string {
    return this._named().colours.get(step) ?? '';
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this.model.cells?.changed.disconnect(this._onCellsChanged, this);
    for (const cell of this._roles.keys()) {
      this._forget(cell);
    }
    this._roles.clear();
    Signal.clearData(this);
  }

  private _onCellsChanged(): void {
    const before = this._roles;
    this._roles = new Map();
    for (const { sharedModel: cell } of this.model.cells) {
      if (before.has(cell)) {
        this._roles.set(cell, before.get(cell) ?? null);
        before.delete(cell);
      } else {
        this._roles.set(cell, read(cell));
        cell.changed.connect(this._onCellChanged, this);
      }
    }
    for (const gone of before.keys()) {
      this._forget(gone);
    }
    this._tell();
  }

  private _onCellChanged(
    cell: ISharedCell,
    change: { sourceChange?: unknown; metadataChange?: unknown }
  ): void {
    // Outputs and execution counts change cells too, and mean nothing here.
    if (!change.sourceChange && !change.metadataChange) {
      return;
    }
    const before = this._roles.get(cell) ?? null;
    const role = read(cell);
    if (!sameRole(before, role) || before?.origin !== role?.origin) {
      this._roles.set(cell, role);
      this._tell();
    }
  }

  private _tell(): void {
    this._names = null;
    this._changed.emit();
  }

  private _forget(cell: ISharedCell): void {
    cell.changed.disconnect(this._onCellChanged, this);
  }

  private _named(): INames {
    this._names ??= names(this._roles.values());
    return this._names;
  }

  private _roles = new Map<ISharedCell, ICellRole | null>();
  private _names: INames | null = null;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}

interface INames {
  steps: readonly string[];
  counts: ReadonlyMap<string, number>;
  colours: ReadonlyMap<string, string>;
}

function names(roles: Iterable<ICellRole | null>): INames {
  const counts = new Map<string, number>();
  const checked = new Set<string>();
  for (const role of roles) {
    if (role?.kind === 'step' && role.name) {
      counts.set(role.name, (counts.get(role.name) ?? 0) + 1);
    } else if (role?.kind === 'check' && role.name) {
      checked.add(role.name);
    }
  }
  const steps = Array.from(counts.keys());
  // A check of a step that no cell has (yet) is coloured too, after those that are there.
  return { steps, counts, colours: stepColours([...steps, ...checked]) };
}

function read(cell: ISharedCell): ICellRole | null {
  return cell.cell_type === 'code' ? roleOf(cell.getSource(), tagsOf(cell)) : null;
}
