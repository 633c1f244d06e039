// What a schedule runs, and whom it tells.

import { addIcon, Button, closeIcon } from '@jupyterlab/ui-components';
import type { IPipeline } from '../api/types';
import { usePanel } from '../panel/context';
import { IconButton } from '../panel/views/iconButton';
import { ALERT_KINDS, AlertKind, IAlertDraft } from './draft';
import { IDraftProps, SelectField, TextField, TextSetting } from './field';

/** The pipeline; of a schedule that there is, it stays. */
export function Target({
  draft,
  problems,
  change,
  pipelines
}: IDraftProps & { pipelines: readonly IPipeline[] }) {
  const { trans } = usePanel();
  if (draft.notebook) {
    return (
      <TextField
        label={trans.__('Notebook')}
        value={draft.notebook}
        hint={trans.__('It runs as it is, beside %1/cellmill.yaml.', draft.folder)}
        problem={problems.notebook ?? problems['']}
        onChange={notebook => change({ notebook })}
      />
    );
  }
  return (
    <SelectField
      label={trans.__('Pipeline')}
      value={draft.folder}
      disabled={draft.replaces !== null}
      problem={problems['']}
      options={pipelines.map(one => [one.folder, one.folder] as const)}
      onChange={folder => change({ folder, env: '', parameters: {} })}
    />
  );
}

export function Alerts({ draft, problems, change }: IDraftProps) {
  const { trans } = usePanel();
  const { alerts } = draft;
  const set = (at: number, next: Partial<IAlertDraft>): void =>
    change({ alerts: alerts.map((one, place) => (place === at ? { ...one, ...next } : one)) });
  const words: { readonly [kind in AlertKind]: string } = {
    failure: trans.__('failed'),
    recovery: trans.__('recovered'),
    missed: trans.__('missed'),
    late: trans.__('late'),
    check: trans.__('check not met')
  };
  return (
    <>
      {alerts.map((alert, at) => (
        <div key={at} className="cellmill-Alert">
          <TextField
            label={trans.__('Environment variable with the address')}
            value={alert.to}
            placeholder="$SLACK_URL"
            monospace={true}
            aside={
              <IconButton
                icon={closeIcon}
                title={trans.__('Take this alert away')}
                onClick={() => change({ alerts: alerts.filter((_, place) => place !== at) })}
              />
            }
            onChange={to => set(at, { to })}
          />
          <div className="cellmill-Alert-kinds" role="group" aria-label={trans.__('Of what')}>
            {ALERT_KINDS.map(kind => (
              <label key={kind} className="cellmill-Check">
                <input
                  type="checkbox"
                  checked={alert.on.includes(kind)}
                  onChange={event =>
                    set(at, {
                      on: ALERT_KINDS.filter(one =>
                        one === kind ? event.target.checked : alert.on.includes(one)
                      )
                    })
                  }
                />
                {words[kind]}
              </label>
            ))}
          </div>
        </div>
      ))}
      {problems.alerts ? <p className="cellmill-Field-error">{problems.alerts}</p> : null}
      {alerts.length || draft.texts.late ? (
        <TextSetting
          draft={draft}
          problems={problems}
          change={change}
          name="late"
          label={trans.__('Late if it starts later than due by')}
          placeholder={trans.__('never late')}
        />
      ) : null}
      {alerts.length ? null : (
        <p className="cellmill-Muted">
          {trans.__(
            'Nobody is told. An alert goes to an Apprise address, such as a mail or Slack, that an environment variable of the scheduler holds: no secret stands in the file.'
          )}
        </p>
      )}
      <div>
        <Button
          type="button"
          className="jp-mod-styled"
          onClick={() => change({ alerts: [...alerts, { to: '$', on: ALERT_KINDS }] })}
        >
          <addIcon.react tag="span" />
          {trans.__('Add an alert')}
        </Button>
      </div>
    </>
  );
}
