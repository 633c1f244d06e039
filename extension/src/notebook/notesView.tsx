// What a cell's mark says when it is asked: reasons, and remedies to click.

import type { TranslationBundle } from '@jupyterlab/translation';
import type { JSX, ReactNode } from 'react';
import { NOTE_ICONS } from '../theme/noteIcons';
import type { INote } from './notes';

export interface INotesViewProps {
  trans: TranslationBundle;
  notes: readonly INote[];
  close: () => void;
}

export function NotesView({ trans, notes, close }: INotesViewProps): JSX.Element {
  return (
    <ul className="cellmill-Notes-list">
      {notes.map((note, index) => (
        <Note key={index} note={note} trans={trans} close={close} />
      ))}
    </ul>
  );
}

function Note(props: { note: INote; trans: TranslationBundle; close: () => void }): JSX.Element {
  const { note, trans } = props;
  const Icon = NOTE_ICONS[note.kind].react;
  return (
    <li className="cellmill-Notes-item" data-kind={note.kind}>
      <Icon tag="span" className="cellmill-Notes-icon" width="16px" height="16px" />
      <div className="cellmill-Notes-text">
        <div className="cellmill-Notes-message">
          {withCode(note.message)}
          {note.line !== null && (
            <span className="cellmill-Notes-code">{trans.__('line %1', note.line)}</span>
          )}
          {note.code && <span className="cellmill-Notes-code">{note.code}</span>}
        </div>
        {note.remedy && <div className="cellmill-Notes-remedy">{withCode(note.remedy)}</div>}
        {note.actions.length > 0 && (
          <div className="cellmill-Notes-actions">
            {note.actions.map((action, index) => (
              <button
                key={index}
                type="button"
                className="jp-mod-styled cellmill-Notes-action"
                onClick={() => {
                  props.close();
                  action.run();
                }}
              >
                {action.label}
              </button>
            ))}
          </div>
        )}
      </div>
    </li>
  );
}

/** A text with what stands in backticks shown as code; text it stays. */
function withCode(text: string): ReactNode[] {
  return text
    .split('`')
    .map((part, index, parts) =>
      index % 2 && index < parts.length - 1 ? <code key={index}>{part}</code> : part
    );
}
