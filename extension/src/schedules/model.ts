// The model of the tab of schedules: all schedules of the workspace, and the one that is in the form.

import { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';
import { ApiError } from '../api/client';
import type {
  IParameter,
  IPipeline,
  IRun,
  ISchedule,
  IScheduleCheck,
  ISchedulePlan,
  ISchedules,
  ITick
} from '../api/types';
import { sentence } from '../panel/model';
import type { ICellmill } from '../tokens';
import type { IDraft } from './draft';

/** Milliseconds between two looks while nothing goes on, and while something does. */
const CALM = 5000;
const LIVELY = 1500;

/** Past times of a schedule that is shown in full. */
const HISTORY = 200;

const NO_PARAMETERS: readonly IParameter[] = [];

/** A time of a schedule that the user looks at. */
export interface IChosenTick {
  schedule: string;
  tick: number;
  /** Its last run; null while it is asked for. */
  run: IRun | null;
  error: string;
}

export interface ISchedulesState {
  subject: 'loading' | 'shown' | 'missing' | 'unreachable';
  error: string;
  found: ISchedules;
  pipelines: readonly IPipeline[];
  filter: string;
  /** What is in the form; null while the list is shown. */
  draft: IDraft | null;
  /** The draft that the server has looked at last; the form may hold a newer one. */
  checked: IDraft | null;
  /** What the server says of it. */
  check: IScheduleCheck | null;
  /** The change of the file that the draft makes; null while it makes none. */
  plan: ISchedulePlan | null;
  /** What the draft's pipeline accepts. */
  parameters: readonly IParameter[];
  saving: boolean;
  /** Schedules for which something is being done. */
  busy: ReadonlySet<string>;
  chosen: IChosenTick | null;
  /** All past times of schedules that are shown in full, by the schedule's id. */
  histories: ReadonlyMap<string, readonly ITick[]>;
  /** Why the last request of the user could not be carried out; a sentence. */
  refusal: string;
  /** What became of the last request; a sentence. */
  done: string;
}

const NONE: ISchedules = {
  schedules: [],
  problems: [],
  projects: [],
  templates: [],
  levels: [],
  level_problems: [],
  hosted: false
};

/** Follows the schedules while somebody looks. */
export class SchedulesModel implements IDisposable {
  constructor(readonly cellmill: ICellmill) {
    cellmill.events.runChanged.connect(this._onRunChanged, this);
    cellmill.events.pipelinesChanged.connect(this._onPipelinesChanged, this);
    this._poll = new Poll({
      name: 'cellmill:schedules',
      auto: false,
      standby: 'when-hidden',
      frequency: { interval: CALM, backoff: true, max: 30_000 },
      factory: () => this.refresh()
    });
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get state(): ISchedulesState {
    return this._state;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._poll.dispose();
      Signal.clearData(this);
    }
  }

  /** The tab is seen, or is not any more. */
  look(seen: boolean): void {
    if (!this._isDisposed) {
      void (seen ? this._poll.start() : this._poll.stop());
    }
  }

  async refresh(): Promise<void> {
    const { client } = this.cellmill;
    try {
      const outdated = this._pipelinesOutdated;
      this._pipelinesOutdated = false;
      const [found, pipelines] = await Promise.all([
        client.schedules(),
        outdated ? client.pipelines() : this._state.pipelines
      ]);
      const same = JSON.stringify(found) === JSON.stringify(this._state.found);
      this._set({
        subject: 'shown',
        error: '',
        found: same ? this._state.found : found,
        pipelines
      });
      this._setPace(found);
      await Promise.all([...this._state.histories.keys()].map(id => this._askHistory(id)));
    } catch (error) {
      const missing = error instanceof ApiError && error.status === 404;
      this._pipelinesOutdated = true;
      // What was shown before stays in sight, with the sentence above it.
      const subject = missing ? 'missing' : 'unreachable';
      this._set({
        subject: this._state.subject === 'shown' ? 'shown' : subject,
        error: sentence(error)
      });
    }
  }

  setFilter(filter: string): void {
    this._set({ filter });
  }

  /** Open the form; null goes back to the list. */
  edit(given: IDraft | null): void {
    const draft = given && !given.name ? { ...given, name: this._freeName(given.folder) } : given;
    this._set({
      draft,
      checked: null,
      check: null,
      plan: null,
      parameters: draft ? this._parametersOf(draft) : NO_PARAMETERS,
      refusal: '',
      done: '',
      chosen: null
    });
  }

  /** Take what the user typed. */
  change(change: Partial<IDraft>): void {
    const { draft } = this._state;
    if (!draft) {
      return;
    }
    const next = { ...draft, ...change };
    const moved = next.folder !== draft.folder || next.notebook !== draft.notebook;
    this._set({
      draft: next,
      refusal: '',
      ...(moved ? { parameters: this._parametersOf(next), plan: null } : {})
    });
  }

  /** Take what the server says of a draft, if it is still the one that is in the form. */
  setCheck(draft: IDraft, check: IScheduleCheck | null, plan: ISchedulePlan | null): void {
    if (draft === this._state.draft) {
      const parameters = check ? check.parameters : this._state.parameters;
      this._set({ checked: draft, check, plan, parameters });
    }
  }

  setRefusal(refusal: string): void {
    this._set({ refusal });
  }

  /** Write what was shown; false and a sentence in `refusal` if that can't be done. */
  async save(
    folder: string,
    name: string | null,
    entry: IDraft['former'] | null,
    digest: string,
    done: string
  ): Promise<boolean> {
    this._set({ saving: true, refusal: '' });
    try {
      const saved = await this.cellmill.client.saveSchedule({ folder, name, entry, digest });
      this.edit(null);
      this._set({ done: saved.problem ? '' : done, refusal: saved.problem ?? '' });
      await this.refresh();
      return true;
    } catch (error) {
      this._set({ refusal: sentence(error) });
      return false;
    } finally {
      this._set({ saving: false });
    }
  }

  /** Pause, resume or run a schedule now. */
  async act(what: 'pause' | 'resume' | 'run-now', schedule: ISchedule): Promise<void> {
    this._set({ busy: new Set([...this._state.busy, schedule.id]), refusal: '', done: '' });
    try {
      const { client } = this.cellmill;
      const acted = await client.actOnSchedule(what, schedule.folder, schedule.name);
      this._set({ refusal: acted.message ?? '' });
      await this.refresh();
    } catch (error) {
      this._set({ refusal: sentence(error) });
    } finally {
      this._set({ busy: new Set([...this._state.busy].filter(one => one !== schedule.id)) });
    }
  }

  /** Look at one time of a schedule; once more closes it. */
  choose(schedule: string, tick: number, runId: string | null): void {
    const { chosen } = this._state;
    if (chosen?.schedule === schedule && chosen.tick === tick) {
      this._set({ chosen: null });
      return;
    }
    const next: IChosenTick = { schedule, tick, run: null, error: '' };
    this._set({ chosen: next });
    if (runId) {
      this._ask(next, runId);
    }
  }

  /** Show all past times of a schedule, or the latest ones only again. */
  async toggleHistory(schedule: ISchedule): Promise<void> {
    const { histories } = this._state;
    if (histories.has(schedule.id)) {
      this._set({ histories: new Map([...histories].filter(([id]) => id !== schedule.id)) });
    } else {
      this._setHistory(schedule.id, schedule.ticks);
      await this._askHistory(schedule.id).catch(error => this._set({ refusal: sentence(error) }));
    }
  }

  private async _askHistory(id: string): Promise<void> {
    const schedule = this._state.found.schedules.find(one => one.id === id);
    if (schedule) {
      const { folder, name } = schedule;
      const ticks = await this.cellmill.client.scheduleHistory(folder, name, HISTORY);
      if (this._state.histories.has(id)) {
        this._setHistory(id, ticks);
      }
    }
  }

  private _setHistory(id: string, ticks: readonly ITick[]): void {
    this._set({ histories: new Map([...this._state.histories, [id, ticks]]) });
  }

  private _ask(chosen: IChosenTick, runId: string): void {
    this.cellmill.client.run(runId).then(
      run => this._setRun(chosen, { run }),
      error => this._setRun(chosen, { error: sentence(error) })
    );
  }

  private _setRun(asked: IChosenTick, change: Partial<IChosenTick>): void {
    const { chosen } = this._state;
    if (chosen?.schedule === asked.schedule && chosen.tick === asked.tick) {
      this._set({ chosen: { ...chosen, ...change } });
    }
  }

  private _freeName(folder: string): string {
    const taken = this._state.found.schedules.filter(one => one.folder === folder);
    for (let number = 1; ; number++) {
      const name = number === 1 ? 'nightly' : `nightly-${number}`;
      if (!taken.some(one => one.name === name)) {
        return name;
      }
    }
  }

  private _parametersOf(draft: IDraft): readonly IParameter[] {
    return draft.notebook
      ? NO_PARAMETERS
      : (this._state.pipelines.find(one => one.folder === draft.folder)?.parameters ??
          NO_PARAMETERS);
  }

  private _setPace(found: ISchedules): void {
    const lively = found.schedules.some(one =>
      one.ticks.some(tick => tick.state === 'running' || tick.state === 'queued')
    );
    const interval = lively ? LIVELY : CALM;
    if (this._poll.frequency.interval !== interval) {
      this._poll.frequency = { ...this._poll.frequency, interval };
    }
  }

  private _onRunChanged(_: unknown, run: IRun): void {
    const { chosen } = this._state;
    if (chosen?.run?.run_id === run.run_id) {
      this._ask(chosen, run.run_id);
    }
    if (run.source === 'schedule') {
      this._onChanged();
    }
  }

  private _onPipelinesChanged(): void {
    this._pipelinesOutdated = true;
    this._onChanged();
  }

  private _onChanged(): void {
    if (this._state.subject !== 'loading' && this._poll.state.phase !== 'stopped') {
      void this._poll.refresh();
    }
  }

  private _set(change: Partial<ISchedulesState>): void {
    if (!this._isDisposed) {
      this._state = { ...this._state, ...change };
      this._changed.emit();
    }
  }

  private _state: ISchedulesState = {
    subject: 'loading',
    error: '',
    found: NONE,
    pipelines: [],
    filter: '',
    draft: null,
    checked: null,
    check: null,
    plan: null,
    parameters: NO_PARAMETERS,
    saving: false,
    busy: new Set(),
    chosen: null,
    histories: new Map(),
    refusal: '',
    done: ''
  };
  private _pipelinesOutdated = true;
  private _poll: Poll;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}
