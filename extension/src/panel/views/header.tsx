// The head of the panel: which notebook, how far it is from its pipeline, and the button that takes it there.

import { Button, folderIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import { memo } from 'react';
import type { IAnalysis } from '../../api/types';
import { promoteIcon } from '../../theme/pipelineIcons';
import { usePanel } from '../context';
import { editsTold, notebookName } from '../format';
import { countFindings } from '../readiness';
import type { IPromoted } from '../state';
import { IconButton } from './iconButton';
import { Prose } from './prose';
import { Verified } from './verified';

type Standing = 'errors' | 'ready' | 'current' | 'outdated' | 'empty';

/** How the notebook stands to its pipeline. */
export function standingOf(analysis: IAnalysis): Standing {
  if (!analysis.steps.length) {
    return 'empty';
  }
  if (!analysis.ready) {
    return 'errors';
  }
  if (!analysis.pipeline.exists) {
    return 'ready';
  }
  return analysis.pipeline.current ? 'current' : 'outdated';
}

interface IHeaderProps {
  path: string;
  analysis: IAnalysis;
  folder: string;
  promoting: boolean;
  promoted: IPromoted | null;
  obstacle: string;
}

export const Header = memo(function Header(props: IHeaderProps) {
  const { path, analysis, folder, promoting, promoted, obstacle } = props;
  const { trans, actions } = usePanel();
  const standing = standingOf(analysis);
  const name = analysis.pipeline.name ?? notebookName(path);
  return (
    <div className="cellmill-Header">
      <div className="cellmill-Header-line">
        <h2 title={path}>{name}</h2>
        {folder ? (
          <IconButton
            icon={folderIcon}
            title={trans.__('Open the folder %1', folder)}
            onClick={() => actions.openFolder(folder)}
          />
        ) : null}
      </div>
      <div className="cellmill-Standing" data-standing={standing} role="status">
        {standingWord(standing, analysis, trans)}
      </div>
      {analysis.pipeline.exists ? <Verified verified={analysis.pipeline.verified} /> : null}
      {standing !== 'empty' ? (
        <Button
          className={`cellmill-Promote jp-mod-styled ${standing === 'current' || standing === 'errors' ? '' : 'jp-mod-accept'}`}
          disabled={promoting}
          title={
            standing === 'current'
              ? trans.__('The pipeline is what this notebook says; promote it again all the same')
              : standing === 'errors'
                ? trans.__('Show what stands in the way')
                : trans.__('Save the notebook and write its pipeline folder')
          }
          onClick={() => actions.promote()}
        >
          <promoteIcon.react tag="span" />
          {promoting
            ? trans.__('Promoting…')
            : folder
              ? trans.__('Promote again')
              : trans.__('Promote to pipeline')}
        </Button>
      ) : null}
      {obstacle ? (
        <p className="cellmill-Refusal" role="alert">
          <Prose text={obstacle} />
        </p>
      ) : null}
      {promoted ? <Made promoted={promoted} /> : null}
    </div>
  );
});

function standingWord(standing: Standing, analysis: IAnalysis, trans: TranslationBundle): string {
  switch (standing) {
    case 'empty':
      return trans.__('No steps yet');
    case 'errors':
      return trans._n(
        '%1 error stands in the way',
        '%1 errors stand in the way',
        countFindings(analysis.findings).error
      );
    case 'ready':
      return trans.__('Ready for promotion');
    case 'current':
      return trans.__('The pipeline is up to date');
    case 'outdated':
      return trans.__('Changed since the last promotion');
  }
}

/** What the last promotion made, with links to it. */
function Made({ promoted }: { promoted: IPromoted }) {
  const { trans, actions, model } = usePanel();
  const { folder, changed, removed } = promoted;
  return (
    <div className="cellmill-Made">
      <div className="cellmill-Made-line">
        <span>
          {changed.length || removed.length
            ? trans._n('Promoted: %1 file written.', 'Promoted: %1 files written.', changed.length)
            : trans.__('Promoted: nothing had to change.')}
          {editsTold(promoted, trans).map(text => (
            <div key={text}>{text}</div>
          ))}
        </span>
        <button
          type="button"
          className="cellmill-IconButton"
          aria-label={trans.__('Hide this')}
          title={trans.__('Hide this')}
          onClick={() => model.setPromoted(null)}
        >
          ×
        </button>
      </div>
      <div className="cellmill-Links">
        <button type="button" onClick={() => actions.openFolder(folder)}>
          {trans.__('Folder')}
        </button>
        <button type="button" onClick={() => actions.openFile(`${folder}/pipeline.yaml`)}>
          pipeline.yaml
        </button>
        <button type="button" onClick={() => actions.openFile(`${folder}/README.md`)}>
          README
        </button>
        <button
          type="button"
          title={trans.__('Run notebook and pipeline, and compare what each cell shows')}
          onClick={() => void model.start({ kind: 'verify' })}
        >
          {trans.__('Verify')}
        </button>
      </div>
    </div>
  );
}
