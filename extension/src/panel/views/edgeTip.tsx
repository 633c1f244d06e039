// All that is known of an edge, beside it: variables, reasons, and what the edge is known from.

import { useLayoutEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import type { IEdge } from '../../api/types';
import { usePanel } from '../context';

export interface IEdgeTip {
  edge: IEdge;
  /** Where the edge's label is in the window. */
  box: DOMRect;
}

const GAP = 6;

/** `pandas.core.frame.DataFrame` is a DataFrame to who reads it. */
function shortType(type: string): string {
  return type.slice(type.lastIndexOf('.') + 1);
}

export function EdgeTip({ tip: { edge, box } }: { tip: IEdgeTip }) {
  const { trans } = usePanel();
  const node = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ left: 0, top: 0 });
  useLayoutEffect(() => {
    const own = node.current?.getBoundingClientRect();
    if (own) {
      const below = box.bottom + GAP + own.height < window.innerHeight;
      setPlace({
        left: Math.max(GAP, Math.min(box.left, window.innerWidth - own.width - GAP)),
        top: below ? box.bottom + GAP : Math.max(GAP, box.top - own.height - GAP)
      });
    }
  }, [box, edge]);
  return createPortal(
    <div ref={node} className="cellmill-Tip" role="tooltip" style={place}>
      <div className="cellmill-Tip-title">
        {edge.provider} → {edge.consumer}
      </div>
      {edge.variables.length ? (
        <ul className="cellmill-Tip-names">
          {edge.variables.map(name => (
            <li key={name}>
              <code>{name}</code>
              {edge.types?.[name] ? (
                <span className="cellmill-Tip-type"> {shortType(edge.types[name])}</span>
              ) : null}
            </li>
          ))}
        </ul>
      ) : (
        <div>{trans.__('No variable: these steps keep their order.')}</div>
      )}
      {edge.reasons.map(reason => (
        <div key={reason} className="cellmill-Tip-reason">
          {reason}
        </div>
      ))}
      <div className="cellmill-Tip-evidence">{evidence(edge.evidence)}</div>
    </div>,
    document.body
  );

  function evidence(kind: string): string {
    switch (kind) {
      case 'static':
        return trans.__('Read from the code.');
      case 'observed':
        return trans.__('Seen in a run of the notebook.');
      case 'both':
        return trans.__('Read from the code and seen in a run.');
      default:
        return kind;
    }
  }
}
