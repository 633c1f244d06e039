// The workspace panel's model: all pipelines below the server's root, and their newest runs.

import { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';
import { ApiError } from '../api/client';
import type { ILevels, IPipeline, IRun, ISchedule } from '../api/types';
import { sentence } from '../panel/model';
import { foldRun, foldRuns } from '../panel/runs';
import type { ICellmill } from '../tokens';
import { withRun } from './pipelines';

/** Milliseconds for which changes on disk are gathered before the list is asked for again. */
const GATHER = 300;
/** Milliseconds between two looks at schedules: when one is due next changes by itself. */
const DUE = 30_000;
/** Runs that the list shows. */
const NEWEST = 50;

export interface IWorkspaceState {
  subject: 'loading' | 'shown' | 'missing' | 'unreachable';
  error: string;
  pipelines: readonly IPipeline[];
  runs: readonly IRun[];
  schedules: readonly ISchedule[];
  levels: readonly ILevels[];
  filter: string;
  /** Why the last request of the user could not be carried out; a sentence. */
  refusal: string;
}

/** Follows pipelines and runs, once somebody looks. */
export class WorkspaceModel implements IDisposable {
  constructor(readonly cellmill: ICellmill) {
    cellmill.events.runChanged.connect(this._onRunChanged, this);
    cellmill.events.pipelinesChanged.connect(this._onPipelinesChanged, this);
    cellmill.events.connected.connect(this._onPipelinesChanged, this);
    this._due = new Poll({
      name: 'cellmill:due',
      auto: false,
      standby: 'when-hidden',
      frequency: { interval: DUE, backoff: true, max: 10 * DUE },
      factory: () => this._askSchedules()
    });
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get state(): IWorkspaceState {
    return this._state;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      clearTimeout(this._timer);
      this._due.dispose();
      Signal.clearData(this);
    }
  }

  /** The panel is seen: from now on the list is kept up. */
  look(): void {
    if (!this._looked) {
      this._looked = true;
      void this.refresh();
    }
  }

  setFilter(filter: string): void {
    this._set({ filter });
  }

  async refresh(): Promise<void> {
    const { client } = this.cellmill;
    // Besides: a store that can't be used, or is slow, takes nothing else from the list.
    void this._due.refresh();
    try {
      const [pipelines, runs] = await Promise.all([
        client.pipelines(),
        client.runs(undefined, NEWEST)
      ]);
      this._set({
        subject: 'shown',
        error: '',
        pipelines,
        runs: foldRuns(this._state.runs, runs)
      });
    } catch (error) {
      const missing = error instanceof ApiError && error.status === 404;
      this._set({ subject: missing ? 'missing' : 'unreachable', error: sentence(error) });
    }
  }

  async start(folder: string): Promise<void> {
    this._set({ refusal: '' });
    try {
      this._onRunChanged(null, await this.cellmill.client.start({ pipeline: folder }));
    } catch (error) {
      this._set({ refusal: sentence(error) });
    }
  }

  private _onRunChanged(_: unknown, run: IRun): void {
    if (!this._looked) {
      return;
    }
    if (run.source === 'schedule') {
      this._onPipelinesChanged();
    }
    this._set({
      runs: foldRun(this._state.runs, run).slice(0, NEWEST),
      pipelines: withRun(this._state.pipelines, run)
    });
  }

  private _onPipelinesChanged(): void {
    if (this._looked) {
      clearTimeout(this._timer);
      this._timer = setTimeout(() => void this.refresh(), GATHER);
    }
  }

  private _set(change: Partial<IWorkspaceState>): void {
    if (!this._isDisposed) {
      this._state = { ...this._state, ...change };
      this._changed.emit();
    }
  }

  private _state: IWorkspaceState = {
    subject: 'loading',
    error: '',
    pipelines: [],
    runs: [],
    schedules: [],
    levels: [],
    filter: '',
    refusal: ''
  };
  private async _askSchedules(): Promise<void> {
    const { schedules, levels } = await this.cellmill.client.schedules();
    this._set({ schedules, levels });
  }

  private _looked = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _due: Poll;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}
