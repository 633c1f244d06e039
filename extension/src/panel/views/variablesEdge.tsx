// A line between two steps with the variables that go along it; all of them are told on hover and focus.

import { BaseEdge, EdgeLabelRenderer, type Edge, type EdgeProps } from '@xyflow/react';
import { memo, useRef } from 'react';
import { usePanel } from '../context';
import type { IPlacedEdge } from '../layout';
import type { IEdgeTip } from './edgeTip';

export interface IVariablesEdgeData {
  placed: IPlacedEdge;
  lit: boolean;
  onTip: (tip: IEdgeTip | null) => void;
  [key: string]: unknown;
}

export type VariablesEdgeType = Edge<IVariablesEdgeData, 'variables'>;

export const VariablesEdge = memo(function VariablesEdge({
  id,
  data,
  markerEnd
}: EdgeProps<VariablesEdgeType>) {
  const { trans } = usePanel();
  const label = useRef<HTMLButtonElement>(null);
  if (!data) {
    return null;
  }
  const { placed, lit, onTip } = data;
  const { edge, at, labelled } = placed;
  const order = edge.variables.length === 0;
  const show = (): void => {
    if (label.current) {
      onTip({ edge, box: label.current.getBoundingClientRect() });
    }
  };
  const hide = (): void => onTip(null);
  const told = order
    ? trans.__('%1 comes after %2', edge.consumer, edge.provider)
    : trans.__('%1 takes %2 from %3', edge.consumer, edge.variables.join(', '), edge.provider);
  return (
    <>
      <g
        className="cellmill-Edge"
        data-order={order}
        data-lit={lit}
        onMouseEnter={show}
        onMouseLeave={hide}
      >
        <BaseEdge id={id} path={placed.path} interactionWidth={14} markerEnd={markerEnd} />
      </g>
      <EdgeLabelRenderer>
        <button
          ref={label}
          type="button"
          className="cellmill-EdgeLabel nopan nodrag"
          data-order={order}
          data-lit={lit}
          data-dot={!labelled}
          style={{ transform: `translate(-50%, -50%) translate(${at.x}px, ${at.y}px)` }}
          aria-label={told}
          onMouseEnter={show}
          onMouseLeave={hide}
          onFocus={show}
          onBlur={hide}
          onKeyDown={event => {
            if (event.key === 'Escape') {
              hide();
            }
          }}
        >
          {labelled ? placed.label : null}
        </button>
      </EdgeLabelRenderer>
    </>
  );
});
