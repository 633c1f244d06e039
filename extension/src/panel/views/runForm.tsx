// The form of a run: typed fields from the parameters, an environment profile, and the buttons that start it.

import { Button, HTMLSelect, refreshIcon, runIcon } from '@jupyterlab/ui-components';
import { memo, useId, useMemo } from 'react';
import type { IParameter, IPipeline, IRun } from '../../api/types';
import { CommandIDs } from '../../tokens';
import { usePanel } from '../context';
import { firstSweep } from '../sweep';
import { Expected } from './expected';
import { Draft, Entry, IField, allowsNone, entryOf, readForm } from '../form';

interface IRunFormProps {
  pipeline: IPipeline;
  draft: Draft;
  profile: string | null;
  runs: readonly IRun[];
  starting: boolean;
}

export const RunForm = memo(function RunForm(props: IRunFormProps) {
  const { pipeline, draft, profile, runs, starting } = props;
  const { trans, model, actions } = usePanel();
  const form = useMemo(
    () => readForm(pipeline.parameters, draft, trans),
    [pipeline.parameters, draft, trans]
  );
  const changed = form.fields.filter(one => one.changed).length;
  const start = (force: boolean): void => {
    if (form.valid) {
      void model.start({ parameters: form.parameters, profile, force });
    }
  };
  return (
    <form
      className="cellmill-Form"
      aria-label={trans.__('Run %1', pipeline.name)}
      onSubmit={event => {
        event.preventDefault();
        start(false);
      }}
    >
      {pipeline.current === false ? (
        <p className="cellmill-Hint">
          {trans.__('The notebook has changed: what runs is what was promoted last.')}
        </p>
      ) : null}
      {form.fields.map(field => (
        <Field key={field.parameter.name} field={field} />
      ))}
      {pipeline.profiles.length ? (
        <Profiles profiles={pipeline.profiles} profile={profile} />
      ) : null}
      {form.valid ? (
        <Expected
          request={{ pipeline: pipeline.folder, parameters: form.parameters, profile }}
          label={trans.__('What would run, and why?')}
        />
      ) : null}
      <div className="cellmill-Form-buttons">
        <Summary fields={form.fields} />
        <Button
          type="submit"
          className="jp-mod-styled jp-mod-accept"
          disabled={!form.valid || starting}
        >
          <runIcon.react tag="span" />
          {trans.__('Run')}
        </Button>
        <Button
          type="button"
          className="jp-mod-styled"
          disabled={!form.valid || starting}
          title={trans.__('Run every step, also those whose results are up to date')}
          onClick={() => start(true)}
        >
          {trans.__('Run all again')}
        </Button>
        <Button
          type="button"
          className="jp-mod-styled"
          disabled={starting}
          title={trans.__('Run notebook and pipeline, and compare what each cell shows')}
          onClick={() => void model.start({ kind: 'verify' })}
        >
          {trans.__('Verify')}
        </Button>
        {pipeline.parameters.length ? (
          <Button
            type="button"
            className="jp-mod-styled"
            disabled={starting}
            title={trans.__('Run all combinations of several values, and compare them')}
            onClick={() => model.setSweep(firstSweep(pipeline.parameters, draft, runs))}
          >
            {trans.__('Try several values…')}
          </Button>
        ) : null}
        <Button
          type="button"
          className="jp-mod-styled"
          title={trans.__('Run it at set times, when a file arrives, or after another pipeline')}
          onClick={() =>
            actions.execute(CommandIDs.schedulePipeline, { pipeline: pipeline.folder })
          }
        >
          {trans.__('Schedule…')}
        </Button>
        {changed ? (
          <button type="button" className="cellmill-Link" onClick={() => model.reset()}>
            {trans.__('Reset')}
          </button>
        ) : null}
      </div>
    </form>
  );
});

/** What stays in sight beside the buttons when the fields do not: what is wrong, or differs from the defaults. */
function Summary({ fields }: { fields: readonly IField[] }) {
  const { trans } = usePanel();
  const wrong = fields.find(one => one.error);
  if (wrong) {
    return (
      <span className="cellmill-Form-summary" data-error="true">
        {trans.__('%1: %2', wrong.parameter.name, wrong.error)}
      </span>
    );
  }
  const changed = fields.filter(one => one.changed);
  return changed.length ? (
    <span className="cellmill-Form-summary">
      {trans.__(
        'with %1',
        changed.map(one => `${one.parameter.name} = ${one.entry ?? 'None'}`).join(', ')
      )}
    </span>
  ) : null;
}

/** The choice of an environment profile. */
export function Profiles({
  profiles,
  profile
}: {
  profiles: readonly string[];
  profile: string | null;
}) {
  const { trans, model } = usePanel();
  const id = useId();
  return (
    <div className="cellmill-Field">
      <label htmlFor={id}>{trans.__('Environment')}</label>
      <HTMLSelect
        id={id}
        value={profile ?? ''}
        onChange={event => model.setProfile(event.target.value || null)}
      >
        <option value="">{trans.__('default')}</option>
        {profiles.map(name => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </HTMLSelect>
    </div>
  );
}

function Field({ field }: { field: IField }) {
  const { trans, model } = usePanel();
  const id = useId();
  const { parameter, changed, error, entry } = field;
  const none = allowsNone(parameter) && field.kind !== 'choice';
  const enter = (next: Entry): void => model.enter(parameter.name, next);
  return (
    <div
      className="cellmill-Field"
      data-kind={field.kind}
      data-changed={changed}
      data-error={!!error}
    >
      <div className="cellmill-Field-head">
        <label htmlFor={id} title={parameter.description ?? parameter.name}>
          {parameter.name}
        </label>
        <span className="cellmill-Muted">{kindWord(parameter)}</span>
        {changed ? (
          <button
            type="button"
            className="cellmill-IconButton"
            title={trans.__('Back to the default, %1', JSON.stringify(parameter.default))}
            aria-label={trans.__('Reset %1', parameter.name)}
            onClick={() => model.reset(parameter.name)}
          >
            <refreshIcon.react tag="span" />
          </button>
        ) : null}
      </div>
      <div className="cellmill-Field-entry">
        <Control id={id} field={field} enter={enter} />
        {none ? (
          <label className="cellmill-None">
            <input
              type="checkbox"
              checked={entry === null}
              onChange={event => enter(event.target.checked ? null : startOf(parameter))}
            />
            None
          </label>
        ) : null}
      </div>
      <div id={`${id}-note`} className="cellmill-Field-error" aria-live="polite">
        {error}
      </div>
    </div>
  );
}

interface IControlProps {
  id: string;
  field: IField;
  enter: (entry: Entry) => void;
}

function Control({ id, field, enter }: IControlProps) {
  const { kind, parameter, entry, error } = field;
  const shared = {
    id,
    disabled: entry === null && kind !== 'choice',
    'aria-invalid': error ? true : undefined,
    'aria-describedby': `${id}-note`
  };
  if (kind === 'check') {
    return (
      <input
        {...shared}
        type="checkbox"
        checked={entry === true}
        onChange={event => enter(event.target.checked)}
      />
    );
  }
  if (kind === 'choice') {
    return (
      <HTMLSelect
        {...shared}
        value={entry === null ? 'null' : String(entry)}
        onChange={event => enter(event.target.value === 'null' ? null : event.target.value)}
      >
        {optionsOf(parameter).map(one => (
          <option key={one} value={one}>
            {optionWord(one)}
          </option>
        ))}
      </HTMLSelect>
    );
  }
  const text = typeof entry === 'string' ? entry : '';
  if (kind === 'json' && (text.length > 30 || text.includes('\n'))) {
    return (
      <textarea
        {...shared}
        className="jp-mod-styled cellmill-Monospace"
        rows={Math.min(8, text.split('\n').length + 1)}
        spellCheck={false}
        value={text}
        onChange={event => enter(event.target.value)}
      />
    );
  }
  return (
    <input
      {...shared}
      type="text"
      inputMode={kind === 'number' ? 'decimal' : undefined}
      className={`jp-mod-styled ${kind === 'json' ? 'cellmill-Monospace' : ''}`}
      autoComplete="off"
      spellCheck={false}
      value={text}
      onChange={event => enter(event.target.value)}
    />
  );
}

/** Choices as JSON; the default is one of them even where the notebook forgot it. */
function optionsOf(parameter: IParameter): string[] {
  const all = [...(parameter.choices ?? [])];
  if (allowsNone(parameter) && !all.includes(null)) {
    all.push(null);
  }
  return [...new Set([...all, parameter.default].map(one => JSON.stringify(one ?? null)))];
}

function optionWord(json: string): string {
  const value: unknown = JSON.parse(json);
  return value === null ? 'None' : typeof value === 'string' ? value : json;
}

function startOf(parameter: IParameter): Entry {
  const found = parameter.default === null ? undefined : entryOf(parameter, parameter.default);
  if (found !== undefined && found !== null) {
    return found;
  }
  return parameter.type === 'bool' ? false : '';
}

/** What may be entered, in a word or two. */
export function kindWord(parameter: IParameter): string {
  const { type, minimum, maximum } = parameter;
  if (typeof minimum === 'number' && typeof maximum === 'number') {
    return `${type} ${minimum} … ${maximum}`;
  }
  if (typeof minimum === 'number') {
    return `${type} ≥ ${minimum}`;
  }
  return typeof maximum === 'number' ? `${type} ≤ ${maximum}` : type;
}
