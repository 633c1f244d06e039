// Buttons of the graph: nearer, farther, all.

import { addIcon, LabIcon } from '@jupyterlab/ui-components';
import { useReactFlow } from '@xyflow/react';
import { fitIcon, minusIcon } from '../../theme/pipelineIcons';
import { usePanel } from '../context';
import type { ILayout } from '../layout';

interface IGraphToolsProps {
  layout: ILayout;
  frame: React.RefObject<HTMLDivElement>;
}

export function GraphTools({ layout, frame }: IGraphToolsProps) {
  const { trans } = usePanel();
  const flow = useReactFlow();
  const fit = (): void => {
    const box = frame.current;
    if (box) {
      const zoom = Math.min(1, box.clientWidth / layout.width, box.clientHeight / layout.height);
      void flow.setViewport({
        zoom,
        x: (box.clientWidth - layout.width * zoom) / 2,
        y: (box.clientHeight - layout.height * zoom) / 2
      });
    }
  };
  return (
    <div className="cellmill-Graph-tools">
      <Tool icon={addIcon} label={trans.__('Zoom in')} onClick={() => void flow.zoomIn()} />
      <Tool icon={minusIcon} label={trans.__('Zoom out')} onClick={() => void flow.zoomOut()} />
      <Tool icon={fitIcon} label={trans.__('Show the whole pipeline')} onClick={fit} />
    </div>
  );
}

function Tool({ icon, label, onClick }: { icon: LabIcon; label: string; onClick: () => void }) {
  return (
    <button type="button" title={label} aria-label={label} onClick={onClick}>
      <icon.react tag="span" />
    </button>
  );
}
