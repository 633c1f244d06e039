// What stands in a view's place while the server does not answer.

import { Button, refreshIcon } from '@jupyterlab/ui-components';
import { lostIcon } from '../../theme/pipelineIcons';
import { usePanel } from '../context';
import { Empty } from './empty';

interface IUnreachableProps {
  /** The server answers, but has no cellmill. */
  missing: boolean;
  /** Why there is no answer; a sentence. */
  error: string;
  again: () => void;
}

export function Unreachable({ missing, error, again }: IUnreachableProps) {
  const { trans } = usePanel();
  return (
    <Empty
      icon={lostIcon}
      title={
        missing ? trans.__("cellmill's server is not there") : trans.__('No answer from the server')
      }
    >
      <p>{missing ? trans.__('Install cellmill where JupyterLab runs, and restart it.') : error}</p>
      <Button className="jp-mod-styled jp-mod-accept" onClick={again}>
        <refreshIcon.react tag="span" />
        {trans.__('Try again')}
      </Button>
    </Empty>
  );
}
