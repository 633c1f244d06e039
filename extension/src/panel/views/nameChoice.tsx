// Asks for another name where a folder is somebody else's.

import { useState } from 'react';
import { usePanel } from '../context';

interface INameChoiceProps {
  folder: string;
  name: string;
  onName: (name: string) => void;
}

export function NameChoice({ folder, name, onName }: INameChoiceProps) {
  const { trans } = usePanel();
  const [text, setText] = useState(name);
  return (
    <div className="cellmill-NameChoice">
      <p>
        {trans.__(
          'The folder %1 was not made from this notebook, and is left as it is. Choose another name for the pipeline.',
          folder
        )}
      </p>
      <label>
        {trans.__('Name')}
        <input
          type="text"
          className="jp-mod-styled"
          value={text}
          spellCheck={false}
          onChange={event => {
            setText(event.target.value);
            onName(event.target.value);
          }}
        />
      </label>
    </div>
  );
}
