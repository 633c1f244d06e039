// The plugin that the others stand on: the server, its events, and the open notebooks' analyses.

import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ISignal, Signal } from '@lumino/signaling';
import { NotebookAnalysis } from './analysis';
import { Client } from './api/client';
import { ServerEvents } from './api/events';
import { ICellmill } from './tokens';

class Cellmill implements ICellmill {
  constructor(
    readonly client: Client,
    readonly events: ServerEvents,
    private _tracker: INotebookTracker
  ) {
    _tracker.currentChanged.connect(this._onCurrentChanged, this);
    events.pipelinesChanged.connect(() => this._analyses.forEach(one => one.refresh()));
    this._onCurrentChanged();
  }

  get current(): NotebookAnalysis | null {
    const panel = this._tracker.currentWidget;
    return panel && !panel.isDisposed ? this.of(panel) : null;
  }

  get currentChanged(): ISignal<ICellmill, NotebookAnalysis | null> {
    return this._currentChanged;
  }

  of(panel: NotebookPanel): NotebookAnalysis {
    let analysis = this._analyses.get(panel);
    if (!analysis) {
      analysis = new NotebookAnalysis(panel, this.client);
      this._analyses.set(panel, analysis);
      panel.disposed.connect(() => this._analyses.delete(panel));
    }
    return analysis;
  }

  private _onCurrentChanged(): void {
    this._currentChanged.emit(this.current);
  }

  private _analyses = new Map<NotebookPanel, NotebookAnalysis>();
  private _currentChanged = new Signal<ICellmill, NotebookAnalysis | null>(this);
}

export const corePlugin: JupyterFrontEndPlugin<ICellmill> = {
  id: 'cellmill:core',
  description: 'Asks the server what the open notebooks would become.',
  autoStart: true,
  provides: ICellmill,
  requires: [INotebookTracker],
  activate: (app: JupyterFrontEnd, tracker: INotebookTracker): ICellmill => {
    const client = new Client(app.serviceManager.serverSettings);
    return new Cellmill(client, new ServerEvents(client), tracker);
  }
};
