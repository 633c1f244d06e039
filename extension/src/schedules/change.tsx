// A change of cellmill.yaml as a unified diff, and the dialog that takes a schedule away.

import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { ISchedule, ISchedulePlan } from '../api/types';
import { IPanelServices, PanelContext, usePanel } from '../panel/context';
import { sentence } from '../panel/model';
import type { SchedulesModel } from './model';

/** The lines of a unified diff without its head: the file's name stands above it. */
export function Change({ plan }: { plan: ISchedulePlan }) {
  const { trans } = usePanel();
  const lines = plan.diff.split('\n').slice(2);
  if (!plan.diff) {
    return <p className="cellmill-Muted">{trans.__('Nothing would change in %1.', plan.file)}</p>;
  }
  return (
    <figure className="cellmill-Change">
      <figcaption>
        <code>{plan.file}</code>
        {plan.new ? <span className="cellmill-Tag">{trans.__('new file')}</span> : null}
      </figcaption>
      <pre tabIndex={0} aria-label={trans.__('Change of %1', plan.file)}>
        {lines.map((line, index) => (
          <span key={index} data-kind={kindOf(line)}>
            {line}
            {'\n'}
          </span>
        ))}
      </pre>
    </figure>
  );
}

function kindOf(line: string): 'added' | 'removed' | 'place' | 'same' {
  return line.startsWith('@@')
    ? 'place'
    : line.startsWith('+')
      ? 'added'
      : line.startsWith('-')
        ? 'removed'
        : 'same';
}

/** Show what taking a schedule away changes in the file, and do it if the user wants that. */
export async function removeSchedule(
  schedule: ISchedule,
  model: SchedulesModel,
  services: IPanelServices
): Promise<void> {
  const { trans } = services;
  const { folder, name, label } = schedule;
  let plan: ISchedulePlan;
  try {
    plan = await model.cellmill.client.planSchedule({ folder, name, entry: null });
  } catch (error) {
    model.setRefusal(sentence(error));
    return;
  }
  const dialog = new Dialog({
    title: trans.__('Delete the schedule %1?', label),
    body: ReactWidget.create(
      <PanelContext.Provider value={services}>
        <div className="cellmill-ChangeDialog">
          <p>{trans.__('Its past runs stay on record.')}</p>
          <Change plan={plan} />
        </div>
      </PanelContext.Provider>
    ),
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Delete') })],
    defaultButton: 0
  });
  dialog.addClass('cellmill-Dialog');
  if ((await dialog.launch()).button.accept) {
    await model.save(folder, name, null, plan.digest, trans.__('%1 is deleted.', label));
  }
}
