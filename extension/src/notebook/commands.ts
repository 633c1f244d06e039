// The commands on cells' roles and findings, for palette, menus, keys and the other plugins.

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification, type ICommandPalette } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { tagIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { nameProblem, roleOfTag, type IRole } from '../roles';
import { CommandIDs } from '../tokens';
import { goToCell, openNotebook, type IGoToCellArgs } from './goToCell';
import type { NotebookMarks } from './notebookMarks';
import { reproduce } from './reproduce';
import type { IReproduceArgs } from './reproduction';
import { suggestSteps } from './suggestSteps';

const CATEGORY = 'cellmill';

export interface ICommandsContext {
  app: JupyterFrontEnd;
  tracker: INotebookTracker;
  documents: IDocumentManager | null;
  trans: TranslationBundle;
  /** The marks of the notebook that is worked in. */
  current: () => NotebookMarks | null;
}

/** Arguments of `cellmill:set-role`. */
interface ISetRoleArgs {
  /** A tag (`step:train`, `shared`), or null to take the role away. */
  role: IRole | null;
  /** Which cells; the selected ones if absent. */
  cellIds: readonly string[] | null;
}

export function addCommands(context: ICommandsContext): void {
  addRoleCommands(context);
  addFindingCommands(context);
}

/** Put the commands into the palette. */
export function addToPalette(palette: ICommandPalette): void {
  const plain = [
    CommandIDs.chooseRole,
    CommandIDs.suggestSteps,
    CommandIDs.nextFinding,
    CommandIDs.previousFinding
  ];
  plain.forEach(command => palette.addItem({ command, category: CATEGORY }));
  for (const role of ['shared', 'parameters', 'skip', null]) {
    palette.addItem({ command: CommandIDs.setRole, args: { role }, category: CATEGORY });
  }
}

function addRoleCommands(context: ICommandsContext): void {
  const { app, trans, current } = context;
  const hasCells = (): boolean => (current()?.selected().length ?? 0) > 0;

  app.commands.addCommand(CommandIDs.chooseRole, {
    label: trans.__('Set Step or Role of Cells…'),
    caption: trans.__('Make the selected cells part of a step, or give them another role'),
    icon: args => (args.toolbar ? tagIcon : undefined),
    isEnabled: args => args.context === true || hasCells(),
    execute: args => {
      takeClickedCell(context, args);
      current()?.chooseRole();
    }
  });

  app.commands.addCommand(CommandIDs.setRole, {
    label: args => {
      const role = typeof args.role === 'string' ? roleOfTag(args.role) : null;
      return role ? markLabel(role, trans) : trans.__('Remove Role of Cells');
    },
    describedBy: {
      args: {
        type: 'object',
        properties: {
          role: {
            type: ['string', 'null'],
            description: 'A tag such as step:train or shared; null for none'
          },
          cellIds: { type: 'array', items: { type: 'string' } }
        }
      }
    },
    isEnabled: args =>
      args.context === true || Array.isArray(args.cellIds) ? current() !== null : hasCells(),
    execute: args => {
      takeClickedCell(context, args);
      const marks = current();
      const { role, cellIds } = readArgs(args, marks, trans);
      const cells = cellIds
        ? Array.from(marks?.panel.content.model?.cells ?? []).filter(one =>
            cellIds.includes(one.id)
          )
        : marks?.selected();
      return marks?.setRole(cells ?? [], role) ?? 0;
    }
  });

  app.commands.addCommand(CommandIDs.suggestSteps, {
    label: trans.__('Suggest Steps from Headings…'),
    caption: trans.__(
      'Propose roles for the cells that have none, and show them before anything changes'
    ),
    isEnabled: () => current() !== null,
    execute: async () => {
      const marks = current();
      return marks ? suggestSteps(marks, trans) : 0;
    }
  });
}

function addFindingCommands(context: ICommandsContext): void {
  const { app, trans, current } = context;

  app.commands.addCommand(CommandIDs.goToCell, {
    label: trans.__('Go to Cell'),
    describedBy: {
      args: {
        type: 'object',
        properties: {
          path: { type: 'string' },
          cell_id: { type: 'string' },
          cell: { type: 'number' },
          line: { type: 'number' }
        }
      }
    },
    execute: async args => {
      const { app, tracker, documents } = context;
      const found = await goToCell(args as IGoToCellArgs, app, tracker, documents);
      if (!found) {
        Notification.warning(
          trans.__(
            'The cell is no longer in the notebook. Promote the notebook again to bring both in step.'
          ),
          { autoClose: 6000 }
        );
      }
      return found;
    }
  });

  app.commands.addCommand(CommandIDs.reproduce, {
    label: trans.__('Reproduce Failed Step Here'),
    describedBy: {
      args: {
        type: 'object',
        properties: {
          path: { type: 'string' },
          run_id: { type: 'string' },
          step: { type: 'string' },
          cell_id: { type: 'string' },
          cell: { type: 'number' },
          line: { type: 'number' },
          names: { type: 'array', items: { type: 'string' } }
        },
        required: ['path', 'run_id', 'step']
      }
    },
    execute: async args => {
      const wanted = args as unknown as IReproduceArgs;
      const panel = openNotebook(wanted.path, context.tracker, context.documents);
      if (!panel) {
        return false;
      }
      app.shell.activateById(panel.id);
      await panel.context.ready;
      const done = await reproduce(panel, wanted, trans);
      if (done && wanted.cell_id) {
        await app.commands.execute(CommandIDs.goToCell, placeOf(wanted));
      }
      return done;
    }
  });

  for (const [command, step] of [
    [CommandIDs.nextFinding, 1] as const,
    [CommandIDs.previousFinding, -1] as const
  ]) {
    app.commands.addCommand(command, {
      label: step > 0 ? trans.__('Go to Next Finding') : trans.__('Go to Previous Finding'),
      isEnabled: () => (current()?.cellsWithNotes().length ?? 0) > 0,
      execute: () => goToFinding(context, step)
    });
  }
}

function placeOf(args: IReproduceArgs): ReadonlyPartialJSONObject {
  const { path, cell_id, cell, line } = args;
  return { path, cell_id, cell, line };
}

/** Go round the cells with findings from the active one on, and let the one reached speak. */
async function goToFinding(context: ICommandsContext, step: 1 | -1): Promise<void> {
  const marks = context.current();
  const cells = marks?.cellsWithNotes() ?? [];
  if (!marks || !cells.length) {
    return;
  }
  const { widgets, activeCellIndex } = marks.panel.content;
  const ahead = cells.filter(cell => (widgets.indexOf(cell) - activeCellIndex) * step > 0);
  const cell = (ahead.length ? ahead : cells).at(step > 0 ? 0 : -1);
  if (cell) {
    await goToCell({ cell_id: cell.model.id }, context.app, context.tracker, context.documents);
    marks.showNotes(cell);
  }
}

/** From the context menu a command means the cell that was clicked, or the selection that it is part of. */
function takeClickedCell(
  { app, current }: ICommandsContext,
  args: ReadonlyPartialJSONObject
): void {
  const content = current()?.panel.content;
  const node =
    args.context === true
      ? app.contextMenuHitTest(one => one.classList.contains('jp-Notebook-cell'))
      : null;
  const index = content?.widgets.findIndex(cell => cell.node === node) ?? -1;
  if (content && index >= 0 && !content.isSelectedOrActive(content.widgets[index])) {
    content.deselectAll();
    content.activeCellIndex = index;
  }
}

function markLabel(role: IRole, trans: TranslationBundle): string {
  switch (role.kind) {
    case 'step':
      return trans.__('Move Cells into Step %1', role.name ?? '');
    case 'check':
      return trans.__('Mark Cells as Check of %1', role.name ?? '');
    case 'shared':
      return trans.__('Mark Cells as Shared');
    case 'parameters':
      return trans.__('Mark Cells as Parameters');
    case 'skip':
      return trans.__('Skip Cells in the Pipeline');
  }
}

function readArgs(
  args: ReadonlyPartialJSONObject,
  marks: NotebookMarks | null,
  trans: TranslationBundle
): ISetRoleArgs {
  const cellIds = Array.isArray(args.cellIds)
    ? args.cellIds.filter((id): id is string => typeof id === 'string')
    : null;
  if (args.role === null || args.role === undefined || args.role === 'none') {
    return { role: null, cellIds };
  }
  const role = roleOfTag(String(args.role));
  if (!role) {
    throw new Error(
      trans.__(
        '"%1" is no role. Use step:NAME, check:NAME, shared, parameters, skip or none.',
        String(args.role)
      )
    );
  }
  const notebook = PathExt.basename(marks?.panel.context.path ?? '').replace(/\.ipynb$/, '');
  const problem = role.kind === 'step' ? nameProblem(role.name ?? '', [], notebook) : null;
  if (problem) {
    throw new Error(
      trans.__('No step can be named "%1". Name it %2.', role.name ?? '', problem.instead)
    );
  }
  return { role, cellIds };
}
