// The pipeline panel's one model: the notebook in front, its pipeline, and that pipeline's runs.

import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';
import type { NotebookAnalysis } from '../analysis';
import { ApiError } from '../api/client';
import type { IRun, IRunRequest } from '../api/types';
import type { ICellmill } from '../tokens';
import { Draft, Entry } from './form';
import { failedTask, foldRun, foldRuns, isLive, shownRun } from './runs';
import type { ISweepDraft } from './sweep';
import { IPanelState, IPromoted, NOTHING, Subject, alike, keepParts } from './state';

/** How often, and after how many milliseconds, a run is asked for that another one still hinders. */
const TRIES = 10;
const PAUSE = 1000;

/** What the user typed and chose for one notebook; it outlives a look at another one. */
interface INotebookMemory {
  draft: Draft;
  profile: string | null;
  sweep: ISweepDraft | null;
  chosen: string | null;
  promoted: IPromoted | null;
}

const FRESH: INotebookMemory = {
  draft: {},
  profile: null,
  sweep: null,
  chosen: null,
  promoted: null
};

/** Follows the notebook in front, and speaks to the server for the panel's views. */
export class PipelineModel implements IDisposable {
  constructor(readonly cellmill: ICellmill) {
    cellmill.currentChanged.connect(this._onCurrentChanged, this);
    cellmill.events.runChanged.connect(this._onRunChanged, this);
    cellmill.events.pipelinesChanged.connect(this._onServerChanged, this);
    cellmill.events.connected.connect(this._onConnected, this);
    this._onCurrentChanged();
  }

  /** There is another state. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get state(): IPanelState {
    return this._state;
  }

  /** The notebook in front; null if there is none. */
  get analysis(): NotebookAnalysis | null {
    return this._analysis;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      Signal.clearData(this);
    }
  }

  /** Ask the server again. */
  retry(): void {
    this._analysis?.refresh();
    void this._askPipeline(this._state.folder);
  }

  /** Draw this run in the graph of its notebook; null for the newest. */
  choose(runId: string | null, path = this._state.path): void {
    this._remember({ chosen: runId }, path);
    if (path === this._state.path) {
      this._setRuns(this._state.runs);
      this._askTraceback();
    }
  }

  /** Take what the user typed for a parameter. */
  enter(name: string, entry: Entry): void {
    this._remember({ draft: { ...this._state.draft, [name]: entry } });
    this._set({ draft: this._memory.draft });
  }

  /** Give a parameter, or all, their defaults again. */
  reset(name?: string): void {
    const draft = { ...this._state.draft };
    if (name === undefined) {
      this._remember({ draft: {} });
    } else {
      delete draft[name];
      this._remember({ draft });
    }
    this._set({ draft: this._memory.draft });
  }

  setProfile(profile: string | null): void {
    this._remember({ profile });
    this._set({ profile });
  }

  /** Take what a sweep is to try; null for the form of a single run. */
  setSweep(sweep: ISweepDraft | null): void {
    this._remember({ sweep });
    this._set({ sweep });
  }

  /** Say that a promotion goes on, or what came of it. */
  setPromoting(promoting: boolean): void {
    this._set({ promoting });
  }

  /** Say why a promotion could not be done; empty when it is tried again. */
  setObstacle(obstacle: string): void {
    this._set({ obstacle });
  }

  setPromoted(promoted: IPromoted | null): void {
    this._remember({ promoted }, promoted?.notebook);
    if (!promoted || promoted.notebook === this._state.path) {
      this._set({ promoted, refusal: '' });
    }
    this._analysis?.refresh();
    if (promoted && promoted.notebook === this._state.path) {
      this._follow(promoted.folder);
    }
  }

  /** Start a run; the answer is the run, or null and a sentence in `refusal`. */
  async start(
    request: Omit<IRunRequest, 'pipeline'>,
    folder = this._state.folder
  ): Promise<IRun | null> {
    this._set({ starting: true, refusal: '' });
    try {
      const run = await this._startWhenFree({ ...request, pipeline: folder });
      this._remember({ chosen: run.run_id, promoted: null });
      this._set({ promoted: null });
      this._onRunChanged(null, run);
      return run;
    } catch (error) {
      this._set({ refusal: sentence(error) });
      return null;
    } finally {
      this._set({ starting: false });
    }
  }

  /** A run that was stopped may still be putting its things away: the next one waits for it. */
  private async _startWhenFree(request: IRunRequest): Promise<IRun> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.cellmill.client.start(request);
      } catch (error) {
        const busy = error instanceof ApiError && error.status === 409;
        if (!busy || tries === TRIES || this._state.runs.some(isLive)) {
          throw error;
        }
        await new Promise(resolve => setTimeout(resolve, PAUSE));
      }
    }
  }

  /** Stop a run. */
  async stop(runId: string): Promise<void> {
    try {
      this._onRunChanged(null, await this.cellmill.client.stop(runId));
    } catch (error) {
      this._set({ refusal: sentence(error) });
    }
  }

  private _onCurrentChanged(): void {
    const next = this.cellmill.current;
    if (next && this._isProduct(next)) {
      return;
    }
    if (next !== this._analysis) {
      this._analysis?.changed.disconnect(this._onAnalysisChanged, this);
      this._analysis = next;
      next?.changed.connect(this._onAnalysisChanged, this);
      next?.panel.disposed.connect(this._onCurrentChanged, this);
      this._set({ ...NOTHING });
    }
    this._onAnalysisChanged();
  }

  /** Whether this is what a run of the shown pipeline made: looking at it is looking at the run. */
  private _isProduct(next: NotebookAnalysis): boolean {
    const { folder } = this._state;
    const alive = this._analysis !== null && !this._analysis.isDisposed;
    return alive && folder !== '' && next.panel.context.localPath.startsWith(`${folder}/`);
  }

  private _onAnalysisChanged(): void {
    const analysis = this._analysis;
    if (!analysis || analysis.isDisposed) {
      this._set({ ...NOTHING });
      return;
    }
    const path = analysis.panel.context.localPath;
    const { draft, profile, sweep, promoted } = this._memoryOf(path);
    const subject = subjectOf(analysis);
    const old = this._state.path === path ? this._state.analysis : null;
    const result = analysis.result;
    const next = alike(old, result) ? old : result && keepParts(old, result);
    this._set({
      subject,
      path,
      error: analysis.error,
      unreachable: analysis.state === 'error' && analysis.status === 0,
      analysis: next,
      draft,
      profile,
      sweep,
      promoted
    });
    const pipeline = result?.pipeline;
    this._follow(pipeline?.exists ? (pipeline.folder ?? '') : '');
  }

  /** Show the runs of this pipeline from now on. */
  private _follow(folder: string): void {
    if (folder === this._state.folder) {
      return;
    }
    this._set({ folder, pipeline: null, runs: [], run: null, chosen: false });
    void this._askPipeline(folder);
  }

  private async _askPipeline(folder: string): Promise<void> {
    if (!folder) {
      return;
    }
    const { client } = this.cellmill;
    const asked = ++this._asked;
    const [pipeline, runs] = await Promise.allSettled([
      client.pipeline(folder),
      client.runs(folder)
    ]);
    if (this._isDisposed || asked !== this._asked || folder !== this._state.folder) {
      return;
    }
    if (pipeline.status === 'fulfilled') {
      this._set({ pipeline: pipeline.value });
    } else {
      this._set({ refusal: sentence(pipeline.reason) });
    }
    if (runs.status === 'fulfilled') {
      this._setRuns(foldRuns(this._state.runs, runs.value));
      this._askTraceback();
    }
  }

  private _onRunChanged(_: unknown, run: IRun): void {
    if (run.pipeline !== this._state.folder) {
      return;
    }
    const before = this._state.runs.find(one => one.run_id === run.run_id);
    if (!before && isLive(run)) {
      // What begins now is what the user wants to see, by whomever it was started.
      this._remember({ chosen: run.run_id });
    }
    this._setRuns(foldRun(this._state.runs, run));
    if (!isLive(run)) {
      this._askTraceback();
    }
  }

  private _setRuns(runs: readonly IRun[]): void {
    const run = shownRun(runs, this._memory.chosen);
    this._set({ runs, run, chosen: run !== null && run.run_id === this._memory.chosen });
  }

  /** The events and lists leave tracebacks out: ask for the one that is shown. */
  private _askTraceback(): void {
    const run = this._state.run;
    const failure = run && failedTask(run)?.failure;
    if (!run || !failure || failure.traceback || this._traced.has(run.run_id)) {
      return;
    }
    this._traced.add(run.run_id);
    this.cellmill.client.run(run.run_id).then(
      whole => this._onRunChanged(null, whole),
      () => this._traced.delete(run.run_id)
    );
  }

  private _onServerChanged(): void {
    void this._askPipeline(this._state.folder);
  }

  private _onConnected(): void {
    if (this._state.error || this._state.subject === 'missing') {
      this._analysis?.refresh();
    }
    void this._askPipeline(this._state.folder);
  }

  private get _memory(): INotebookMemory {
    return this._memoryOf(this._state.path);
  }

  private _memoryOf(path: string): INotebookMemory {
    return this._memories.get(path) ?? FRESH;
  }

  private _remember(change: Partial<INotebookMemory>, path = this._state.path): void {
    this._memories.set(path, { ...this._memoryOf(path), ...change });
  }

  private _set(change: Partial<IPanelState>): void {
    if (this._isDisposed) {
      return;
    }
    const next = { ...this._state, ...change };
    const keys = Object.keys(change) as (keyof IPanelState)[];
    if (keys.some(key => next[key] !== this._state[key])) {
      this._state = next;
      this._changed.emit();
    }
  }

  private _analysis: NotebookAnalysis | null = null;
  private _state: IPanelState = NOTHING;
  private _memories = new Map<string, INotebookMemory>();
  /** Runs whose whole story was asked for. */
  private _traced = new Set<string>();
  private _asked = 0;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}

function subjectOf(analysis: NotebookAnalysis): Subject {
  const language = analysis.panel.model?.defaultKernelLanguage;
  if (language && language.toLowerCase() !== 'python') {
    return 'other-language';
  }
  if (analysis.state === 'error' && !analysis.result) {
    return analysis.status === 404 ? 'missing' : 'unreachable';
  }
  return analysis.result ? 'shown' : 'loading';
}

/** What to tell the user of an error. */
export function sentence(error: unknown): string {
  if (error instanceof ApiError || error instanceof Error) {
    return error.message;
  }
  return String(error);
}
