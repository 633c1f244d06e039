// Where the panels' links and buttons lead: cells, notebooks, reports, folders, other commands.

import { Clipboard, Notification } from '@jupyterlab/apputils';
import { URLExt } from '@jupyterlab/coreutils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import type { IFailure, IFix, IRun, ITask } from '../api/types';
import { CommandIDs } from '../tokens';
import { sentence, type PipelineModel } from './model';

const HTML_VIEWER = 'HTML Viewer';

/** A cell by its id or its number (from 1), and a line (from 1) of it. */
export interface ICellPlace {
  path?: string | null;
  cell_id?: string | null;
  cell?: number | null;
  line?: number | null;
}

/** What a click can do outside of the panel. */
export class Actions {
  constructor(
    readonly commands: CommandRegistry,
    private _documents: IDocumentManager,
    readonly trans: TranslationBundle
  ) {}

  /** Show a cell of a notebook (the current one, if no path is given). */
  goToCell(place: ICellPlace): void {
    const args: { [name: string]: string | number } = {};
    for (const [name, one] of Object.entries(place)) {
      if (typeof one === 'string' || typeof one === 'number') {
        args[name] = one;
      }
    }
    this._tell(async () => {
      if ((await this.commands.execute(CommandIDs.goToCell, args)) === false) {
        Notification.warning(this.trans.__('This cell is not in the notebook any more.'), {
          autoClose: 6000
        });
      }
    });
  }

  /** Give the notebook's kernel what a failed step began with. */
  reproduce(run: IRun, task: ITask, names: readonly string[]): void {
    const { notebook, cell_id, cell, line } = task.failure ?? {};
    this.execute(CommandIDs.reproduce, {
      path: notebook ?? '',
      run_id: run.run_id,
      step: task.name,
      names: [...names],
      ...(cell_id ? { cell_id } : {}),
      ...(cell ? { cell } : {}),
      ...(line ? { line } : {})
    });
  }

  /** Carry out a remedy. */
  applyFix(fix: IFix): void {
    const { role, cell_id } = fix.action;
    this.execute(CommandIDs.setRole, { role, cellIds: [cell_id] });
  }

  suggestSteps(): void {
    this.execute(CommandIDs.suggestSteps);
  }

  promote(args: ReadonlyJSONObject = {}): void {
    this.execute(CommandIDs.promote, args);
  }

  openFile(path: string): void {
    this._tell(async () => {
      this._documents.openOrReveal(path);
    });
  }

  /** Open a pipeline's notebook, and show one of its runs beside it. */
  showRun(notebook: string, runId: string, model: PipelineModel): void {
    this._tell(async () => {
      const widget = this._documents.openOrReveal(notebook);
      await widget?.revealed;
      model.choose(runId, notebook);
      await this.commands.execute(CommandIDs.showPipeline);
    });
  }

  /** Show a report as a page; scripts in it stay off until the user trusts it. */
  openReport(path: string): void {
    this._tell(async () => {
      this._documents.openOrReveal(path, HTML_VIEWER);
    });
  }

  openFolder(path: string): void {
    this.execute('filebrowser:open-path', { path });
    this.execute('filebrowser:activate');
  }

  /** Show the executed notebook at the cell that failed. */
  openExecuted(failure: IFailure): void {
    const { executed } = failure;
    if (!executed) {
      return;
    }
    this._tell(async () => {
      const widget = this._documents.openOrReveal(executed);
      if (!(widget instanceof NotebookPanel)) {
        return;
      }
      await widget.context.ready;
      await widget.revealed;
      const index = failedCell(widget);
      if (index >= 0) {
        widget.content.activeCellIndex = index;
        await widget.content.scrollToItem(index, 'smart');
      }
    });
  }

  /** Open a page of another server, such as MLflow's. */
  openPage(url: string): void {
    if (isPage(url)) {
      window.open(url, '_blank', 'noopener,noreferrer');
    }
  }

  /** Copy what serves a page that is not there yet, and offer the page. */
  copyCommand(command: string, page: string | null): void {
    Clipboard.copyToSystem(command);
    const { trans } = this;
    Notification.info(trans.__('Copied. Type it into a terminal, and open the page: %1', command), {
      autoClose: 20_000,
      actions: isPage(page)
        ? [{ label: trans.__('Open the page'), callback: () => this.openPage(page) }]
        : []
    });
  }

  /** Carry out a command, and say so if it can't be. */
  execute(command: string, args: ReadonlyJSONObject = {}): void {
    this._tell(() => this.commands.execute(command, args));
  }

  private _tell(action: () => Promise<unknown>): void {
    action().catch(error => Notification.error(sentence(error), { autoClose: false }));
  }
}

/** Whether an address is one of the web: what a server says is not opened blindly. */
export function isPage(url: string | null | undefined): url is string {
  return !!url && /^https?:$/.test(URLExt.parse(url).protocol) && /^https?:/i.test(url);
}

function failedCell(panel: NotebookPanel): number {
  return Array.from(panel.model?.cells ?? []).findIndex(cell => {
    const outputs = cell.toJSON().outputs;
    return (
      Array.isArray(outputs) &&
      outputs.some(
        one =>
          typeof one === 'object' &&
          one !== null &&
          'output_type' in one &&
          one.output_type === 'error'
      )
    );
  });
}
