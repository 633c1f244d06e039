// Promotion in one click: saves, asks what would be done, and opens a dialog only where the user has to decide.

import { Dialog, Notification, ReactWidget, showDialog } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ApiError } from '../api/client';
import type { Edits, IFinding, IPromotion, IPromotionPlan } from '../api/types';
import { IPanelServices, PanelContext } from './context';
import { editsTold } from './format';
import { sentence } from './model';
import { EditedFiles } from './views/editedFiles';
import { NameChoice } from './views/nameChoice';
import { FindingList } from './views/findingList';

interface IChoice {
  name?: string;
  edits?: Edits;
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
    if (plan.edited.length && !choice.edits) {
      const edits = await askEdits(plan, services);
      if (edits === null) {
        return null;
      }
      choice.edits = edits;
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
  Notification.success([message, ...editsTold(made, trans)].join(' '), {
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

/** What to do with edits of files that the notebook has changed too; null if the user gives up. */
async function askEdits(plan: IPromotionPlan, services: IPanelServices): Promise<Edits | null> {
  const { trans } = services;
  const conflict = plan.conflicts.length > 0;
  const dialog = new Dialog({
    title: conflict
      ? trans._n(
          'The pipeline and the notebook disagree in %1 place',
          'The pipeline and the notebook disagree in %1 places',
          plan.conflicts.length
        )
      : trans._n(
          '%1 file was edited since the last promotion',
          '%1 files were edited since the last promotion',
          plan.edited.length
        ),
    body: inPanel(services, <EditedFiles plan={plan} />),
    buttons: [
      Dialog.cancelButton(),
      Dialog.warnButton({ label: trans.__('Overwrite the edits'), accept: true }),
      Dialog.okButton({ label: conflict ? trans.__('Keep the edits') : trans.__('Merge') })
    ],
    defaultButton: 2
  });
  dialog.addClass('cellmill-Dialog');
  dialog.addClass('cellmill-mod-wide');
  const { button } = await dialog.launch();
  if (!button.accept) {
    return null;
  }
  return button.displayType === 'warn' ? 'overwrite' : conflict ? 'keep' : 'merge';
}

function inPanel(services: IPanelServices, body: JSX.Element): ReactWidget {
  return ReactWidget.create(<PanelContext.Provider value={services}>{body}</PanelContext.Provider>);
}
