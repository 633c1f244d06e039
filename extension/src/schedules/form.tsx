// The form of a schedule: what is typed on the left; on the right what it means, and how it changes the file.

import { Button } from '@jupyterlab/ui-components';
import { useEffect, useMemo } from 'react';
import { usePanel } from '../panel/context';
import { sentence } from '../panel/model';
import { Prose } from '../panel/views/prose';
import { Change } from './change';
import { entryOf, IDraft, IMade } from './draft';
import { Alerts, Target } from './fields';
import { ChoiceField, Field, Group, SelectField, TextField, TextSetting } from './field';
import type { ISchedulesState, SchedulesModel } from './model';
import { Parameters } from './parameters';
import { MoreSettings } from './moreSettings';
import { WhenFields } from './whenFields';

/** How long a user rests between two keys before the server looks at it. */
const REST = 250;

interface IFormProps {
  model: SchedulesModel;
  state: ISchedulesState;
  draft: IDraft;
}

export function ScheduleForm({ model, state, draft }: IFormProps) {
  const { trans } = usePanel();
  const { check, plan, parameters, saving, refusal } = state;
  const made = useMemo(() => entryOf(draft, parameters, trans), [draft, parameters, trans]);
  useCheck(model, draft, made);
  const problems = { ...check?.problems, ...made.problems };
  // What is written is what was shown: not while something newer stands in the form.
  const ready = state.checked === draft && !!plan?.diff && !saving;
  const pipeline = state.pipelines.find(one => one.folder === draft.folder);
  const title = draft.replaces
    ? trans.__('Schedule %1', `${folderName(draft.folder)}/${draft.replaces}`)
    : trans.__('New schedule');
  const shared = { draft, problems, change: (next: Partial<IDraft>) => model.change(next) };
  const save = (): void => {
    if (ready) {
      const label = `${folderName(draft.folder)}/${draft.name.trim()}`;
      const done = trans.__('%1 is written to %2.', label, plan.file);
      void model.save(draft.folder, draft.replaces, made.entry, plan.digest, done);
    }
  };
  return (
    <form
      className="cellmill-Schedules-page cellmill-ScheduleForm"
      aria-label={title}
      onSubmit={event => {
        event.preventDefault();
        save();
      }}
      onKeyDown={event => {
        if (event.key === 'Escape' && !saving) {
          model.edit(null);
        }
      }}
    >
      <div className="cellmill-Schedules-head">
        <h2>{title}</h2>
        <button type="button" className="cellmill-Link" onClick={() => model.edit(null)}>
          {trans.__('Back to the list')}
        </button>
      </div>
      <div className="cellmill-ScheduleForm-columns">
        <div className="cellmill-ScheduleForm-fields">
          <Group title={trans.__('What and when')}>
            <Target {...shared} pipelines={state.pipelines} />
            <TextField
              label={trans.__('Name')}
              value={draft.name}
              problem={problems.name}
              autoFocus={true}
              hint={
                draft.replaces && draft.name.trim() !== draft.replaces
                  ? trans.__('Under another name its history begins anew.')
                  : undefined
              }
              onChange={name => model.change({ name })}
            />
            <WhenFields {...shared} pipelines={state.pipelines} />
          </Group>
          <Group title={trans.__('Parameters')} hidden={!parameters.length}>
            <Parameters {...shared} parameters={parameters} templates={state.found.templates} />
          </Group>
          <Group title={trans.__('How it runs')}>
            {pipeline?.profiles.length && !draft.notebook ? (
              <SelectField
                label={trans.__('Environment')}
                value={draft.env}
                problem={problems.env}
                options={[
                  ['', trans.__('default')],
                  ...pipeline.profiles.map((one): [string, string] => [one, one])
                ]}
                onChange={env => model.change({ env })}
              />
            ) : null}
            {draft.notebook ? null : (
              <ChoiceField
                {...shared}
                name="snapshot"
                label={trans.__('Code')}
                words={{
                  published: trans.__('as it was last promoted and verified'),
                  latest: trans.__('as it stands in the folder')
                }}
              />
            )}
            <ChoiceField
              {...shared}
              name="overlap"
              label={trans.__('If an earlier run goes on')}
              words={{
                queue: trans.__('wait for it'),
                skip: trans.__('skip this time'),
                cancel_previous: trans.__('stop it, and run')
              }}
            />
            <ChoiceField
              {...shared}
              name="misfire"
              label={trans.__('Times that passed while no scheduler ran')}
              words={{
                once: trans.__('run the last one'),
                skip: trans.__('run none'),
                all: trans.__('run all')
              }}
            />
            <div className="cellmill-Fields-row">
              <TextSetting {...shared} name="retries" label={trans.__('Retries')} placeholder="0" />
              <TextSetting
                {...shared}
                name="retry_delay"
                label={trans.__('Retry after')}
                placeholder="1m"
              />
              <TextSetting
                {...shared}
                name="timeout"
                label={trans.__('Stop after')}
                placeholder={trans.__('never')}
              />
              <TextSetting
                {...shared}
                name="grace"
                label={trans.__('Missed after')}
                placeholder="1m"
              />
            </div>
            <MoreSettings {...shared} />
            <Field label="" problem={problems.enabled}>
              {id => (
                <label className="cellmill-Check" htmlFor={id}>
                  <input
                    id={id}
                    type="checkbox"
                    checked={draft.enabled}
                    onChange={event => model.change({ enabled: event.target.checked })}
                  />
                  {trans.__('Enabled')}
                </label>
              )}
            </Field>
          </Group>
          <Group title={trans.__('Whom to tell')}>
            <Alerts {...shared} />
          </Group>
        </div>
        <aside className="cellmill-ScheduleForm-meaning" aria-label={trans.__('What it means')}>
          <Meaning state={state} problems={problems} />
          {refusal ? (
            <p className="cellmill-Refusal" role="alert">
              <Prose text={refusal} />
            </p>
          ) : null}
          {plan ? <Change plan={plan} /> : null}
          <div className="cellmill-Form-buttons">
            <Button type="submit" className="jp-mod-styled jp-mod-accept" disabled={!ready}>
              {saving ? trans.__('Writing…') : trans.__('Write to %1', 'cellmill.yaml')}
            </Button>
            <Button
              type="button"
              className="jp-mod-styled"
              disabled={saving}
              onClick={() => model.edit(null)}
            >
              {trans.__('Cancel')}
            </Button>
          </div>
        </aside>
      </div>
    </form>
  );
}

/** In plain language when it is due, its next times, and what is wrong. */
function Meaning({
  state,
  problems
}: {
  state: ISchedulesState;
  problems: { readonly [key: string]: string };
}) {
  const { trans } = usePanel();
  const { check } = state;
  const wrong = Object.entries(problems);
  return (
    <div className="cellmill-Meaning" role="status" aria-busy={!check}>
      <strong className="cellmill-Meaning-words">
        {check
          ? (check.words ?? trans.__('When it is due can’t be read yet.'))
          : trans.__('Reading…')}
      </strong>
      {check?.times.length ? (
        <ol aria-label={trans.__('The next times')}>
          {check.times.map(one => (
            <li key={one}>{one}</li>
          ))}
        </ol>
      ) : null}
      {wrong.length ? (
        <ul className="cellmill-Meaning-problems" aria-label={trans.__('What is wrong')}>
          {wrong.map(([key, text]) => (
            <li key={key}>
              {key ? <code>{key.replace(/^(parameters|keep)\./, '')}</code> : null}{' '}
              <Prose text={text} />
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}

/** Have the server look at the draft, and at the change that it makes, while the user rests. */
function useCheck(model: SchedulesModel, draft: IDraft, made: IMade): void {
  const asked = JSON.stringify(made);
  useEffect(() => {
    const abort = new AbortController();
    const { client } = model.cellmill;
    const { entry, problems } = JSON.parse(asked) as IMade;
    const request = { folder: draft.folder, name: draft.replaces, entry };
    const look = async (): Promise<void> => {
      const check = await client.checkSchedule(request, abort.signal);
      const wrong = Object.keys({ ...check.problems, ...problems }).length > 0;
      const plan = wrong ? null : await client.planSchedule(request, abort.signal);
      model.setCheck(draft, check, plan);
    };
    const timer = setTimeout(() => {
      look().catch(error => {
        if (!abort.signal.aborted) {
          model.setRefusal(sentence(error));
        }
      });
    }, REST);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [model, draft, asked]);
}

function folderName(folder: string): string {
  return folder.split('/').pop() || folder;
}
