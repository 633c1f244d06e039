// A part of the panel that can be closed, with Lab's own look of an accordion.

import { caretDownIcon } from '@jupyterlab/ui-components';
import { ReactNode, useId, useState } from 'react';

export interface ISectionProps {
  title: string;
  /** What the closed part still tells. */
  summary?: ReactNode;
  /** Small buttons at the right end. */
  tools?: ReactNode;
  open?: boolean;
  children: ReactNode;
  name: string;
}

export function Section({ title, summary, tools, open = true, children, name }: ISectionProps) {
  const [own, setOwn] = useState<boolean | null>(null);
  const [hint, setHint] = useState(open);
  if (hint !== open) {
    // What the panel wants to show comes before what was closed earlier.
    setHint(open);
    setOwn(null);
  }
  const shown = own ?? open;
  const id = useId();
  return (
    <section className="cellmill-Section" data-name={name} data-open={shown}>
      <div className="cellmill-Section-head">
        <h3>
          <button
            type="button"
            className="cellmill-Section-title"
            aria-expanded={shown}
            aria-controls={id}
            onClick={() => setOwn(!shown)}
          >
            <caretDownIcon.react tag="span" className="cellmill-Section-caret" />
            <span className="cellmill-Section-name">{title}</span>
            {summary ? <span className="cellmill-Section-summary">{summary}</span> : null}
          </button>
        </h3>
        {tools && shown ? <div className="cellmill-Section-tools">{tools}</div> : null}
      </div>
      <div id={id} className="cellmill-Section-body" hidden={!shown}>
        {shown ? children : null}
      </div>
    </section>
  );
}
