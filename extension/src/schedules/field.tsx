// The fields of the form of a schedule: a label, what is entered, and a sentence where that is wrong.

import { HTMLSelect } from '@jupyterlab/ui-components';
import { ReactNode, useId } from 'react';
import { Prose } from '../panel/views/prose';
import { ChoiceKey, CHOICES, IDraft, TextKey } from './draft';

/** What every part of the form is given. */
export interface IDraftProps {
  draft: IDraft;
  problems: { readonly [key: string]: string };
  change: (change: Partial<IDraft>) => void;
}

export function Group({
  title,
  hidden,
  children
}: {
  title: string;
  hidden?: boolean;
  children: ReactNode;
}) {
  return hidden ? null : (
    <fieldset className="cellmill-Group">
      <legend>{title}</legend>
      {children}
    </fieldset>
  );
}

interface IFieldProps {
  label: string;
  problem?: string;
  hint?: string;
  narrow?: boolean;
  aside?: ReactNode;
  /** Makes the control; it is given its id, and that of its sentence. */
  children: (id: string, note: string) => ReactNode;
}

export function Field({ label, problem, hint, narrow, aside, children }: IFieldProps) {
  const id = useId();
  return (
    <div className="cellmill-Field" data-error={!!problem} data-narrow={narrow || undefined}>
      {label ? (
        <div className="cellmill-Field-head">
          <label htmlFor={id} className="cellmill-Field-words">
            {label}
          </label>
          {aside}
        </div>
      ) : null}
      {children(id, `${id}-note`)}
      <div id={`${id}-note`} className="cellmill-Field-error" aria-live="polite">
        {problem ? (
          <Prose text={problem} />
        ) : hint ? (
          <span className="cellmill-Muted">{hint}</span>
        ) : null}
      </div>
    </div>
  );
}

interface ITextFieldProps extends Omit<IFieldProps, 'children'> {
  value: string;
  placeholder?: string;
  type?: string;
  list?: string;
  monospace?: boolean;
  autoFocus?: boolean;
  onChange: (value: string) => void;
}

export function TextField(props: ITextFieldProps) {
  const { value, placeholder, type = 'text', list, monospace, autoFocus, onChange } = props;
  return (
    <Field {...props}>
      {(id, note) => (
        <input
          id={id}
          type={type}
          className={`jp-mod-styled ${monospace ? 'cellmill-Monospace' : ''}`}
          value={value}
          placeholder={placeholder}
          list={list}
          autoComplete="off"
          autoFocus={autoFocus}
          spellCheck={false}
          aria-invalid={props.problem ? true : undefined}
          aria-describedby={note}
          onChange={event => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

interface ISelectFieldProps extends Omit<IFieldProps, 'children'> {
  value: string;
  options: readonly (readonly [string, string])[];
  disabled?: boolean;
  onChange: (value: string) => void;
}

export function SelectField(props: ISelectFieldProps) {
  const { value, options, disabled, onChange } = props;
  // What stands in the file and is none of them is shown as it is.
  const known = options.some(([one]) => one === value);
  return (
    <Field {...props}>
      {(id, note) => (
        <HTMLSelect
          id={id}
          value={value}
          disabled={disabled}
          aria-invalid={props.problem ? true : undefined}
          aria-describedby={note}
          onChange={event => onChange(event.target.value)}
        >
          {known ? null : <option value={value}>{value}</option>}
          {options.map(([one, words]) => (
            <option key={one} value={one}>
              {words}
            </option>
          ))}
        </HTMLSelect>
      )}
    </Field>
  );
}

interface IChoiceFieldProps extends IDraftProps {
  name: ChoiceKey;
  label: string;
  words: { readonly [value: string]: string };
}

export function ChoiceField({ draft, problems, change, name, label, words }: IChoiceFieldProps) {
  return (
    <SelectField
      label={label}
      value={draft.choices[name]}
      problem={problems[name]}
      options={CHOICES[name].map(one => [one, words[one]] as const)}
      onChange={value => change({ choices: { ...draft.choices, [name]: value } })}
    />
  );
}

interface ITextSettingProps extends IDraftProps {
  name: TextKey;
  label: string;
  placeholder: string;
  hint?: string;
}

/** A setting that is one short text; empty for the default, which is shown in its place. */
export function TextSetting(props: ITextSettingProps) {
  const { draft, problems, change, name, label, placeholder, hint } = props;
  return (
    <TextField
      label={label}
      value={draft.texts[name]}
      placeholder={placeholder}
      hint={hint}
      narrow={true}
      problem={problems[name]}
      onChange={text => change({ texts: { ...draft.texts, [name]: text } })}
    />
  );
}
