// The server's events as signals, over one connection that comes back by itself.

import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';
import type { Client } from './client';
import { EventParser } from './sse';
import type { IRun } from './types';

const SHORTEST_WAIT = 500;
const LONGEST_WAIT = 15000;

/** Follows the server's events for as long as it lives. */
export class ServerEvents implements IDisposable {
  constructor(private _client: Client) {
    void this._follow();
  }

  /** A run began, went on or ended. */
  get runChanged(): ISignal<this, IRun> {
    return this._runChanged;
  }

  /** A pipeline's folder appeared, changed or went away. */
  get pipelinesChanged(): ISignal<this, void> {
    return this._pipelinesChanged;
  }

  /** The connection is there (again): what was missed has to be asked for. */
  get connected(): ISignal<this, void> {
    return this._connected;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._abort.abort();
      Signal.clearData(this);
    }
  }

  private async _follow(): Promise<void> {
    let wait = SHORTEST_WAIT;
    while (!this._isDisposed) {
      try {
        const reader = (await this._client.events(this._abort.signal)).getReader();
        const decoder = new TextDecoder();
        const parser = new EventParser();
        for (;;) {
          const { done, value } = await reader.read();
          if (done) {
            break;
          }
          wait = SHORTEST_WAIT;
          parser
            .push(decoder.decode(value, { stream: true }))
            .forEach(one => this._take(one.event, one.data));
        }
      } catch {
        // The server restarts, or the network is away: try again below.
      }
      await new Promise(resolve => setTimeout(resolve, wait));
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  }

  private _take(event: string, data: string): void {
    if (this._isDisposed) {
      return;
    }
    if (event === 'run') {
      this._runChanged.emit(JSON.parse(data) as IRun);
    } else if (event === 'pipelines') {
      this._pipelinesChanged.emit();
    } else if (event === 'hello') {
      this._connected.emit();
    }
  }

  private _abort = new AbortController();
  private _isDisposed = false;
  private _runChanged = new Signal<this, IRun>(this);
  private _pipelinesChanged = new Signal<this, void>(this);
  private _connected = new Signal<this, void>(this);
}
