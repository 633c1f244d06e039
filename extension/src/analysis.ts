// The analysis of one open notebook: asked for anew whenever its source, tags or order changed.

import type { ICellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';
import { ApiError, Client } from './api/client';
import type { IAnalysis, INotebookSource } from './api/types';

/** Milliseconds without a change before the server is asked. */
const PAUSE = 120;

export type AnalysisState = 'idle' | 'pending' | 'error';

/** What is known of a notebook as it stands in the editor. */
export class NotebookAnalysis implements IDisposable {
  constructor(
    readonly panel: NotebookPanel,
    private _client: Client
  ) {
    this._debouncer = new Debouncer(() => this._analyse(), PAUSE);
    void panel.context.ready.then(() => {
      if (this._isDisposed || !panel.model) {
        return;
      }
      panel.model.contentChanged.connect(this._onContentChanged, this);
      panel.context.pathChanged.connect(this.refresh, this);
      panel.context.fileChanged.connect(this.refresh, this);
      void this._analyse();
    });
    panel.disposed.connect(this.dispose, this);
  }

  /** The result or the state changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The latest answer; it may be older than the editor's content while `state` is pending. */
  get result(): IAnalysis | null {
    return this._result;
  }

  get state(): AnalysisState {
    return this._state;
  }

  /** Why there is no answer; a sentence for the user. */
  get error(): string {
    return this._error;
  }

  /** The HTTP status of the server's refusal; 0 if it gave none. */
  get status(): number {
    return this._status;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Ask again though nothing changed in the editor: the pipeline's folder did. */
  refresh(): void {
    this._asked = '';
    void this._debouncer.invoke();
  }

  /** The notebook as it stands in the editor. */
  source(): INotebookSource {
    const cells = this.panel.model?.cells ?? [];
    return {
      path: this.panel.context.localPath,
      cells: Array.from(cells, cell => ({
        id: cell.id,
        type: cell.type,
        source: cell.sharedModel.getSource(),
        tags: tagsOf(cell)
      }))
    };
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._abort?.abort();
    this._debouncer.dispose();
    Signal.clearData(this);
  }

  private _onContentChanged(): void {
    void this._debouncer.invoke();
  }

  private async _analyse(): Promise<void> {
    if (this._isDisposed || !this.panel.model) {
      return;
    }
    const source = this.source();
    const asked = JSON.stringify(source);
    // Outputs and execution counts change the model too, and mean nothing here.
    if (asked === this._asked) {
      return;
    }
    this._asked = asked;
    this._abort?.abort();
    const abort = (this._abort = new AbortController());
    this._set('pending', this._result, '');
    try {
      const result = await this._client.analyse(source, abort.signal);
      if (abort === this._abort) {
        this._set('idle', result, '');
      }
    } catch (error) {
      if (abort === this._abort && !abort.signal.aborted && !this._isDisposed) {
        this._asked = '';
        if (error instanceof ApiError && error.details.reason === 'superseded') {
          // Another view of the same notebook asked after this one.
          void this._debouncer.invoke();
          return;
        }
        this._status = error instanceof ApiError ? error.status : 0;
        const known = error instanceof ApiError || error instanceof Error;
        this._set('error', this._result, known ? error.message : String(error));
      }
    }
  }

  private _set(state: AnalysisState, result: IAnalysis | null, error: string): void {
    if (this._isDisposed) {
      return;
    }
    this._state = state;
    this._result = result;
    this._error = error;
    this._changed.emit();
  }

  private _state: AnalysisState = 'idle';
  private _result: IAnalysis | null = null;
  private _error = '';
  private _status = 0;
  private _asked = '';
  private _abort: AbortController | null = null;
  private _isDisposed = false;
  private _debouncer: Debouncer<void>;
  private _changed = new Signal<this, void>(this);
}

/** A cell's tags; whatever else stands in their place is no tag. */
export function tagsOf(cell: Pick<ICellModel, 'getMetadata'>): string[] {
  const tags = cell.getMetadata('tags');
  return Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string') : [];
}
