// The way to a run's page in MLflow: a link where a server shows it, else the command that starts one.

import type { IRun } from '../../api/types';
import { isPage } from '../actions';
import { usePanel } from '../context';

export function MlflowLink({ mlflow }: { mlflow: NonNullable<IRun['mlflow']> }) {
  const { trans, actions } = usePanel();
  const { url, ui_command: command, experiment } = mlflow;
  if (isPage(url)) {
    return (
      <button type="button" title={experiment ?? url} onClick={() => actions.openPage(url)}>
        MLflow
      </button>
    );
  }
  return command ? (
    <button
      type="button"
      title={trans.__('Copy “%1”: typed into a terminal, it shows this run', command)}
      onClick={() => actions.copy(command)}
    >
      {trans.__('MLflow: copy command')}
    </button>
  ) : null;
}
