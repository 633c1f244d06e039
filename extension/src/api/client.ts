// The one place that asks the server: each function is one route of its REST interface.

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type {
  IAnalysis,
  IExpectedRun,
  IFinding,
  INotebookSource,
  IPipeline,
  Edits,
  IPromotion,
  IPromotionPlan,
  IRun,
  IRunRequest,
  IScheduleActed,
  IScheduleCheck,
  ISchedulePlan,
  IScheduleRequest,
  ISchedule,
  ISchedules,
  ISuggestion,
  ISweepCheck,
  ISweepRequest,
  ITick
} from './types';

/** Path of the REST interface below the server's base URL. */
export const API = 'cellmill/api';

/** The server refused: `message` is one sentence for the user, `details` the answer's other fields. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly details: { reason?: string; diff?: string; findings?: readonly IFinding[] } = {}
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** Asks the server for analyses, promotions and runs. */
export class Client {
  constructor(readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings()) {}

  analyse(notebook: INotebookSource, signal?: AbortSignal): Promise<IAnalysis> {
    return this._post('analyse', notebook, signal);
  }

  async suggest(notebook: INotebookSource): Promise<readonly ISuggestion[]> {
    const answer = await this._post<{ tags: readonly ISuggestion[] }>('suggest', notebook);
    return answer.tags;
  }

  planPromotion(path: string, name?: string): Promise<IPromotionPlan> {
    return this._post('promotion/plan', { path, name });
  }

  promote(path: string, options: { name?: string; edits?: Edits } = {}): Promise<IPromotion> {
    return this._post('promotion', { path, ...options });
  }

  async pipelines(): Promise<readonly IPipeline[]> {
    return (await this._ask<{ pipelines: readonly IPipeline[] }>('pipelines')).pipelines;
  }

  pipeline(folder: string): Promise<IPipeline> {
    return this._ask(URLExt.join('pipelines', URLExt.encodeParts(folder)));
  }

  async runs(pipeline?: string, limit = 50): Promise<readonly IRun[]> {
    const query = URLExt.objectToQueryString(pipeline ? { pipeline, limit } : { limit });
    return (await this._ask<{ runs: readonly IRun[] }>(`runs${query}`)).runs;
  }

  run(id: string): Promise<IRun> {
    return this._ask(URLExt.join('runs', encodeURIComponent(id)));
  }

  start(request: IRunRequest): Promise<IRun> {
    return this._post('runs', request);
  }

  expected(request: IRunRequest): Promise<IExpectedRun> {
    return this._post('runs/expected', request);
  }

  checkSweep(
    request: { pipeline: string; sweep: ISweepRequest },
    signal?: AbortSignal
  ): Promise<ISweepCheck> {
    return this._post('sweeps/check', request, signal);
  }

  stop(id: string): Promise<IRun> {
    return this._post(URLExt.join('runs', encodeURIComponent(id), 'stop'), {});
  }

  async log(id: string, lines = 200): Promise<string> {
    const path = `${URLExt.join('runs', encodeURIComponent(id), 'log')}?lines=${lines}`;
    return (await this._ask<{ text: string }>(path)).text;
  }

  schedules(): Promise<ISchedules> {
    return this._ask('schedules');
  }

  checkSchedule(request: IScheduleRequest, signal?: AbortSignal): Promise<IScheduleCheck> {
    return this._post('schedules/check', request, signal);
  }

  planSchedule(request: IScheduleRequest, signal?: AbortSignal): Promise<ISchedulePlan> {
    return this._post('schedules/plan', request, signal);
  }

  /** Write what was planned, if the file is still the one with that digest. */
  saveSchedule(
    request: IScheduleRequest & { digest: string }
  ): Promise<{ problem: string | null; schedule: ISchedule | null }> {
    return this._post('schedules', request);
  }

  actOnSchedule(
    what: 'pause' | 'resume' | 'run-now',
    folder: string,
    name: string
  ): Promise<IScheduleActed> {
    return this._post(`schedules/${what}`, { folder, name });
  }

  async scheduleHistory(folder: string, name: string, limit: number): Promise<readonly ITick[]> {
    const query = URLExt.objectToQueryString({ folder, name, limit });
    return (await this._ask<{ ticks: readonly ITick[] }>(`schedules/history${query}`)).ticks;
  }

  /** Open the server's stream of events. */
  async events(signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const response = await this._request('events', { signal, cache: 'no-store' });
    if (!response.ok || !response.body) {
      throw new ApiError(response.statusText, response.status);
    }
    return response.body;
  }

  private _post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
    return this._ask(path, { method: 'POST', body: JSON.stringify(body), signal });
  }

  private async _ask<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await this._request(path, init);
    const text = await response.text();
    let answer: { message?: string } & ApiError['details'] = {};
    try {
      answer = text ? JSON.parse(text) : {};
    } catch {
      // Not ours: a proxy's page, or a server without cellmill.
    }
    if (!response.ok) {
      throw new ApiError(answer.message || response.statusText, response.status, answer);
    }
    return answer as T;
  }

  private _request(path: string, init: RequestInit): Promise<Response> {
    const url = URLExt.join(this.settings.baseUrl, API, path);
    return ServerConnection.makeRequest(url, init, this.settings);
  }
}
