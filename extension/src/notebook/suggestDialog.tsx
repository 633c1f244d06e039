// The dialog that shows which steps the headings suggest, before anything is changed.

import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { useState, type JSX } from 'react';
import type { IRole } from '../roles';
import { stepColours } from '../theme/colours';
import { roleText } from './texts';

/** A cell that would get a role. */
export interface IProposal {
  cellId: string;
  role: IRole;
  heading: string | null;
  /** Place in the notebook from 1. */
  number: number;
  /** The cell's first line of code. */
  code: string;
}

/** Ask which of the proposals to take; an empty list if none. */
export async function askProposals(
  proposals: readonly IProposal[],
  trans: TranslationBundle
): Promise<readonly IProposal[]> {
  const body = new ProposalsWidget(proposals, trans);
  const result = await showDialog({
    title: trans.__('Suggested Steps'),
    body,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Apply') })
    ],
    focusNodeSelector: '.jp-mod-accept'
  });
  return result.button.accept && result.value ? result.value : [];
}

class ProposalsWidget extends ReactWidget {
  constructor(
    private _proposals: readonly IProposal[],
    private _trans: TranslationBundle
  ) {
    super();
    this.addClass('cellmill-Proposals');
    this._taken = new Set(_proposals.map(one => one.cellId));
  }

  getValue(): readonly IProposal[] {
    return this._proposals.filter(one => this._taken.has(one.cellId));
  }

  protected render(): JSX.Element {
    return (
      <Proposals
        proposals={this._proposals}
        trans={this._trans}
        onChange={taken => (this._taken = taken)}
      />
    );
  }

  private _taken: ReadonlySet<string>;
}

interface IProposalsProps {
  proposals: readonly IProposal[];
  trans: TranslationBundle;
  onChange: (taken: ReadonlySet<string>) => void;
}

function Proposals({ proposals, trans, onChange }: IProposalsProps): JSX.Element {
  const [taken, setTaken] = useState<ReadonlySet<string>>(
    () => new Set(proposals.map(one => one.cellId))
  );
  const take = (next: ReadonlySet<string>): void => {
    setTaken(next);
    onChange(next);
  };
  const toggle = (id: string): void => {
    const next = new Set(taken);
    if (!next.delete(id)) {
      next.add(id);
    }
    take(next);
  };
  const names = proposals.flatMap(one => (one.role.kind === 'step' ? [one.role.name ?? ''] : []));
  const colours = stepColours(names);
  const all = taken.size === proposals.length;
  return (
    <div>
      <p className="cellmill-Proposals-intro">
        {trans.__(
          'Roles for the cells that have none, from the notebook’s headings. Z, in the notebook, takes them all back.'
        )}
      </p>
      <label className="cellmill-Proposals-all">
        <input
          type="checkbox"
          checked={all}
          ref={box => {
            if (box) {
              box.indeterminate = !all && taken.size > 0;
            }
          }}
          onChange={() => take(new Set(all ? [] : proposals.map(one => one.cellId)))}
        />
        {trans.__('%1 of %2 cells', taken.size, proposals.length)}
      </label>
      <ul className="cellmill-Proposals-list">
        {proposals.map((one, index) => (
          <li key={one.cellId}>
            {one.heading && one.heading !== proposals[index - 1]?.heading && (
              <div className="cellmill-Proposals-heading">{one.heading}</div>
            )}
            <label className="cellmill-Proposals-item">
              <input
                type="checkbox"
                checked={taken.has(one.cellId)}
                onChange={() => toggle(one.cellId)}
              />
              <span
                className="cellmill-Chip"
                data-cellmill-role={one.role.kind}
                style={colourStyle(colours.get(one.role.name ?? ''))}
              >
                <span className="cellmill-Chip-label">{roleText(one.role, trans)}</span>
              </span>
              <code className="cellmill-Proposals-code">{one.code}</code>
              <span className="cellmill-Proposals-number">{trans.__('cell %1', one.number)}</span>
            </label>
          </li>
        ))}
      </ul>
    </div>
  );
}

function colourStyle(colour: string | undefined): React.CSSProperties | undefined {
  return colour ? ({ '--cellmill-colour': colour } as React.CSSProperties) : undefined;
}
