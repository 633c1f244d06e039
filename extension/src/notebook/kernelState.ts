// What only the kernel knows of a notebook: names that no cell defines any more, and cells out of order.

import type { ISessionContext } from '@jupyterlab/apputils';
import type { Cell, ICodeCellModel } from '@jupyterlab/cells';
import { NotebookActions, type Notebook, type NotebookPanel } from '@jupyterlab/notebook';
import { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';
import type { NotebookAnalysis } from '../analysis';
import type { IUndefined } from '../api/types';
import { namesInKernel } from './kernelNames';
import type { RoleBook } from './roleBook';
import { staleCells, type IRanCell, type IStale } from './runOrder';

/** Milliseconds after the last change before the state is looked at again. */
const PAUSE = 300;

interface IRan {
  /** The text that ran. */
  source: string;
  count: number | null;
  /** The count of the first of the last runs with this text. */
  since: number | null;
}

/** Watches one notebook's kernel; asks it only when it is idle, and only Python kernels. */
export class KernelState implements IDisposable {
  constructor(
    private _panel: NotebookPanel,
    private _analysis: NotebookAnalysis,
    private _book: RoleBook
  ) {
    this._debouncer = new Debouncer(() => this._look(), PAUSE);
    NotebookActions.executionScheduled.connect(this._onScheduled, this);
    NotebookActions.executed.connect(this._onExecuted, this);
    _analysis.changed.connect(this._invoke, this);
    _book.changed.connect(this._invoke, this);
    this._session.statusChanged.connect(this._onStatus, this);
    this._session.kernelChanged.connect(this._forget, this);
  }

  /** What is known changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Names that cells use and the kernel holds, though no cell defines them. */
  get ghosts(): readonly IUndefined[] {
    return this._ghosts;
  }

  /** Cells whose results may be out of date. */
  get stale(): readonly IStale[] {
    return this._stale;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    NotebookActions.executionScheduled.disconnect(this._onScheduled, this);
    NotebookActions.executed.disconnect(this._onExecuted, this);
    this._analysis.changed.disconnect(this._invoke, this);
    this._book.changed.disconnect(this._invoke, this);
    this._session.statusChanged.disconnect(this._onStatus, this);
    this._session.kernelChanged.disconnect(this._forget, this);
    this._debouncer.dispose();
    Signal.clearData(this);
  }

  private get _session(): ISessionContext {
    return this._panel.sessionContext;
  }

  private _onScheduled(_: unknown, args: { notebook: Notebook; cell: Cell }): void {
    if (args.notebook === this._panel.content && args.cell.model.type === 'code') {
      const source = args.cell.model.sharedModel.getSource();
      this._scheduled.set(args.cell.model.id, source);
    }
  }

  private _onExecuted(_: unknown, args: { notebook: Notebook; cell: Cell }): void {
    const { id, type } = args.cell.model;
    const source = this._scheduled.get(id);
    if (args.notebook !== this._panel.content || type !== 'code' || source === undefined) {
      return;
    }
    this._scheduled.delete(id);
    const count = (args.cell.model as ICodeCellModel).executionCount;
    const before = this._ran.get(id);
    this._ran.set(id, { source, count, since: before?.source === source ? before.since : count });
    this._invoke();
  }

  private _onStatus(): void {
    const { kernelDisplayStatus: status } = this._session;
    if (status === 'restarting' || status === 'autorestarting' || status === 'terminating') {
      this._forget();
    } else if (this._waiting && status === 'idle') {
      // Asked for while it was busy; its own answer to us makes it busy too, and must not lead here again.
      this._waiting = false;
      this._invoke();
    }
  }

  /** Another kernel, or the same one anew: nothing of what ran counts any more. */
  private _forget(): void {
    this._ran.clear();
    this._scheduled.clear();
    this._set([], []);
  }

  private _invoke(): void {
    if (!this._isDisposed) {
      void this._debouncer.invoke();
    }
  }

  private async _look(): Promise<void> {
    if (this._isDisposed || this._panel.isDisposed) {
      return;
    }
    const asked = this._analysis.result?.undefined ?? [];
    const ghosts = await this._askFor(asked);
    if (!this._isDisposed && !this._panel.isDisposed) {
      this._set(ghosts ?? this._ghosts, this._findStale());
    }
  }

  /** Null where the kernel can't be asked now. */
  private async _askFor(names: readonly IUndefined[]): Promise<IUndefined[] | null> {
    const kernel = this._session.session?.kernel;
    const language = this._panel.model?.defaultKernelLanguage;
    const info = kernel && !names.length ? null : await kernel?.info;
    if (!kernel || !names.length || (info?.language_info.name ?? language) !== 'python') {
      return [];
    }
    if (kernel.status !== 'idle') {
      this._waiting = true;
      return null;
    }
    try {
      const there = await namesInKernel(kernel, [...new Set(names.map(one => one.name))]);
      return there && names.filter(one => there.includes(one.name));
    } catch {
      // The kernel went away while it was asked.
      return null;
    }
  }

  private _findStale(): IStale[] {
    const cells: IRanCell[] = [];
    for (const cell of this._panel.content.model?.cells ?? []) {
      if (cell.type !== 'code') {
        continue;
      }
      const role = this._book.roleOf(cell);
      const ran = this._ran.get(cell.id);
      cells.push({
        id: cell.id,
        kind: role?.kind ?? null,
        step: role?.name ?? null,
        count: ran?.count ?? null,
        since: ran?.since ?? null,
        edited: ran !== undefined && ran.source !== cell.sharedModel.getSource()
      });
    }
    return staleCells(cells, this._analysis.result?.edges ?? []);
  }

  private _set(ghosts: readonly IUndefined[], stale: readonly IStale[]): void {
    const drawn = JSON.stringify([ghosts, stale]);
    if (drawn !== this._drawn && !this._isDisposed) {
      this._drawn = drawn;
      this._ghosts = ghosts;
      this._stale = stale;
      this._changed.emit();
    }
  }

  private _ghosts: readonly IUndefined[] = [];
  private _stale: readonly IStale[] = [];
  private _drawn = '[[],[]]';
  private _ran = new Map<string, IRan>();
  private _scheduled = new Map<string, string>();
  private _waiting = false;
  private _isDisposed = false;
  private _debouncer: Debouncer<void>;
  private _changed = new Signal<this, void>(this);
}
