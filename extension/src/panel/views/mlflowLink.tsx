// The way to a run's page in MLflow: a link where a server shows it, else the command that starts one, and then the link.

import type { IRun } from '../../api/types';
import { isPage } from '../actions';
import { usePanel } from '../context';

export function MlflowLink({ mlflow }: { mlflow: NonNullable<IRun['mlflow']> }) {
  const { trans, actions } = usePanel();
  const { url, ui_command: command, experiment } = mlflow;
  if (command) {
    // The store is a file: its page is there only while somebody serves it.
    return (
      <button
        type="button"
        title={trans.__('Copy “%1”: typed into a terminal, it shows this run', command)}
        onClick={() => actions.copyCommand(command, url)}
      >
        {trans.__('MLflow…')}
      </button>
    );
  }
  return isPage(url) ? (
    <button type="button" title={experiment ?? url} onClick={() => actions.openPage(url)}>
      MLflow
    </button>
  ) : null;
}
