// Promotion in one click: saves, asks what would be done, and opens a dialog only where the user has to decide.

import { Dialog, Notification, ReactWidget, showDialog } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ApiError } from '../api/client';
import type { IFinding, IPlannedFile, IPromotion } from '../api/types';
import { IPanelServices, PanelContext } from './context';
import { sentence } from './model';
import { EditedFiles } from './views/editedFiles';
import { NameChoice } from './views/nameChoice';
import { FindingList } from './views/findingList';

interface IChoice {
  name?: string;
  force?: boolean;
}

/** Promote a notebook; the answer is null if the user, or the notebook, is not ready for it. */
export async function promoteNotebook(
  panel: NotebookPanel,
  services: IPanelServices
): Promise<IPromotion | null> {
  const { model } = services;
  model.setPromoting(true);
  model.setObstacle('');
  try {
    await panel.context.ready;
    await panel.context.save();
    const made = await decide(panel.context.localPath, services);
    if (made) {
      model.setPromoted({ ...made, notebook: panel.context.localPath });
      tell(made, services);
    }
    return made;
  } catch (error) {
    model.setObstacle(sentence(error));
    if (!services.isShown()) {
      Notification.error(sentence(error), { autoClose: false });
    }
    return null;
  } finally {
    model.setPromoting(false);
  }
}

/** Ask the user until nothing is in the way, or the user gives up. */
async function decide(path: string, services: IPanelServices): Promise<IPromotion | null> {
  const { client } = services.model.cellmill;
  const choice: IChoice = {};
  let again = false;
  for (;;) {
    const plan = await client.planPromotion(path, choice.name);
    if (!plan.ready) {
      await showFindings(plan.findings, services);
      return null;
    }
    if (plan.foreign) {
      const name = await askName(plan.pipeline, plan.folder, services);
      if (name === null) {
        return null;
      }
      choice.name = name;
      continue;
    }
    if (plan.edited.length && !choice.force) {
      const edited = plan.files.filter(one => one.state === 'edited');
      if (!(await askOverwrite(plan.folder, edited, services))) {
        return null;
      }
      choice.force = true;
    }
    try {
      return await client.promote(path, choice);
    } catch (error) {
      // Somebody wrote into the folder since the plan was made: look once more.
      if (!(error instanceof ApiError) || error.status !== 409 || again) {
        throw error;
      }
      again = true;
    }
  }
}

/** Say what was made, with ways to it. */
function tell(made: IPromotion, services: IPanelServices): void {
  const { actions, trans, model } = services;
  const written = made.changed.length + made.removed.length;
  const message = written
    ? trans._n(
        'Promoted to %2: %1 file written.',
        'Promoted to %2: %1 files written.',
        written,
        made.folder
      )
    : trans.__('%1 is up to date: nothing had to change.', made.folder);
  Notification.success(message, {
    // The panel tells the same, and a toast would lie over it.
    autoClose: services.isShown() ? 0 : 8000,
    actions: [
      { label: trans.__('Open folder'), callback: () => actions.openFolder(made.folder) },
      {
        label: trans.__('Verify'),
        caption: trans.__('Run notebook and pipeline, and compare what each cell shows'),
        callback: () => void model.start({ kind: 'verify' }, made.folder)
      }
    ]
  });
}

async function showFindings(
  findings: readonly IFinding[],
  services: IPanelServices
): Promise<void> {
  const { trans, actions } = services;
  const errors = findings.filter(one => one.severity === 'error');
  const noSteps = errors.some(one => one.kind === 'no-steps');
  let close = (): void => undefined;
  const body = inPanel(services, <FindingList findings={errors} onGo={() => close()} />);
  const dialog = new Dialog({
    title: trans._n(
      '%1 error stands in the way of promotion',
      '%1 errors stand in the way of promotion',
      errors.length
    ),
    body,
    buttons: noSteps
      ? [
          Dialog.cancelButton({ label: trans.__('Close') }),
          Dialog.okButton({ label: trans.__('Suggest steps from headings') })
        ]
      : [Dialog.okButton({ label: trans.__('Close') })]
  });
  close = () => dialog.reject();
  dialog.addClass('cellmill-Dialog');
  const result = await dialog.launch();
  if (noSteps && result.button.accept) {
    actions.suggestSteps();
  }
}

/** Another name for the pipeline; null if the user gives up. */
async function askName(
  taken: string,
  folder: string,
  services: IPanelServices
): Promise<string | null> {
  const { trans } = services;
  const chosen = { name: `${taken}_2` };
  const result = await showDialog({
    title: trans.__('The name “%1” is taken', taken),
    body: inPanel(
      services,
      <NameChoice
        folder={folder}
        name={chosen.name}
        onName={name => {
          chosen.name = name;
        }}
      />
    ),
    focusNodeSelector: 'input',
    buttons: [
      Dialog.cancelButton(),
      Dialog.okButton({ label: trans.__('Promote under this name') })
    ]
  });
  return result.button.accept && chosen.name.trim() ? chosen.name.trim() : null;
}

/** Whether to write over what an engineer edited. */
async function askOverwrite(
  folder: string,
  files: readonly IPlannedFile[],
  services: IPanelServices
): Promise<boolean> {
  const { trans } = services;
  const dialog = new Dialog({
    title: trans._n(
      '%1 file was edited since the last promotion',
      '%1 files were edited since the last promotion',
      files.length
    ),
    body: inPanel(services, <EditedFiles folder={folder} files={files} />),
    buttons: [
      Dialog.warnButton({ label: trans.__('Overwrite the edits'), accept: true }),
      Dialog.cancelButton({ label: trans.__('Keep the edits'), accept: false })
    ],
    defaultButton: 1
  });
  dialog.addClass('cellmill-Dialog');
  dialog.addClass('cellmill-mod-wide');
  const result = await dialog.launch();
  return result.button.accept;
}

function inPanel(services: IPanelServices, body: JSX.Element): ReactWidget {
  return ReactWidget.create(<PanelContext.Provider value={services}>{body}</PanelContext.Provider>);
}
