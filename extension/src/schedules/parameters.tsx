// A schedule's parameters: values as they are typed, or templates that each run fills in.

import { useId } from 'react';
import type { IParameter, ISchedules } from '../api/types';
import { usePanel } from '../panel/context';
import { kindWord } from '../panel/views/runForm';
import { asText, isTemplate } from './draft';
import { IDraftProps, TextField } from './field';

interface IParametersProps extends IDraftProps {
  parameters: readonly IParameter[];
  templates: ISchedules['templates'];
}

export function Parameters(props: IParametersProps) {
  const { draft, problems, change, parameters, templates } = props;
  const { trans } = usePanel();
  const id = useId();
  const known = new Set(parameters.map(one => one.name));
  const others = Object.keys(draft.parameters).filter(name => !known.has(name));
  const enter = (name: string, text: string): void =>
    change({ parameters: { ...draft.parameters, [name]: text } });
  const names = templates.filter(one => one.text.startsWith('{{'));
  return (
    <>
      <p className="cellmill-Muted">
        {trans.__('What is empty keeps its default. A text in {{ }} is filled in at each run.')}
      </p>
      {parameters.map(one => (
        <TextField
          key={one.name}
          label={one.name}
          aside={
            <span className="cellmill-Muted">
              {isTemplate(draft.parameters[one.name] ?? '') ? trans.__('template') : kindWord(one)}
            </span>
          }
          value={draft.parameters[one.name] ?? ''}
          placeholder={asText(one.default)}
          list={one.choices?.length || one.type === 'bool' ? `${id}-${one.name}` : id}
          problem={problems[`parameters.${one.name}`]}
          onChange={text => enter(one.name, text)}
        />
      ))}
      {others.map(name => (
        <TextField
          key={name}
          label={name}
          value={draft.parameters[name]}
          problem={problems[`parameters.${name}`]}
          onChange={text => enter(name, text)}
        />
      ))}
      <datalist id={id}>
        {names.map(one => (
          <option key={one.text} value={one.text}>
            {one.meaning}
          </option>
        ))}
      </datalist>
      {parameters.map(one => (
        <datalist key={one.name} id={`${id}-${one.name}`}>
          {(one.type === 'bool' ? [true, false] : (one.choices ?? [])).map(choice => (
            <option key={asText(choice)} value={asText(choice)} />
          ))}
        </datalist>
      ))}
      <details className="cellmill-Templates">
        <summary>{trans.__('What a template may hold')}</summary>
        <dl>
          {templates.map(one => (
            <div key={one.text}>
              <dt>
                <code>{one.text}</code>
              </dt>
              <dd>{one.meaning}</dd>
            </div>
          ))}
        </dl>
      </details>
    </>
  );
}
