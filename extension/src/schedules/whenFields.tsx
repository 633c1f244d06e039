// When a schedule is due: a choice in everyday words, the fields that it needs, and whose clock it goes by.

import { useId, useMemo } from 'react';
import type { IPipeline } from '../api/types';
import { usePanel } from '../panel/context';
import { IDraftProps, SelectField, TextField } from './field';
import type { IWhen, WhenKind } from './when';
import { TRIGGERS } from './when';

interface IWhenProps extends IDraftProps {
  pipelines: readonly IPipeline[];
}

export function WhenFields({ draft, problems, change, pipelines }: IWhenProps) {
  const { trans } = usePanel();
  const { when } = draft;
  const set = (next: Partial<IWhen>): void => change({ when: { ...when, ...next } });
  const problem = TRIGGERS.map(key => problems[key]).find(Boolean) ?? problems.when;
  const timed = when.kind !== 'on_file' && when.kind !== 'after';
  const time = ['daily', 'weekdays', 'weekly', 'monthly'].includes(when.kind);
  return (
    <>
      <div className="cellmill-Fields-row">
        <SelectField
          label={trans.__('When')}
          value={when.kind}
          options={kinds(trans)}
          onChange={kind => set({ kind: kind as WhenKind })}
        />
        {when.kind === 'hourly' ? (
          <TextField
            label={trans.__('Minute')}
            value={when.minute}
            narrow={true}
            problem={problem}
            onChange={minute => set({ minute })}
          />
        ) : null}
        {when.kind === 'weekly' ? (
          <SelectField
            label={trans.__('Day')}
            value={when.weekday}
            options={weekdays(trans)}
            onChange={weekday => set({ weekday })}
          />
        ) : null}
        {when.kind === 'monthly' ? (
          <TextField
            label={trans.__('Day of the month')}
            value={when.day}
            narrow={true}
            onChange={day => set({ day })}
          />
        ) : null}
        {time ? (
          <TextField
            label={trans.__('At')}
            type="time"
            value={when.time}
            narrow={true}
            problem={problem}
            onChange={text => set({ time: text })}
          />
        ) : null}
        {when.kind === 'cron' ? (
          <TextField
            label={trans.__('Cron expression')}
            value={when.cron}
            monospace={true}
            placeholder={trans.__('minute hour day month weekday')}
            problem={problem}
            onChange={cron => set({ cron })}
          />
        ) : null}
        {when.kind === 'every' ? (
          <TextField
            label={trans.__('Every')}
            value={when.every}
            placeholder="15m, 2h, 1d"
            narrow={true}
            problem={problem}
            onChange={every => set({ every })}
          />
        ) : null}
        {when.kind === 'on_file' ? (
          <TextField
            label={trans.__('Files that match')}
            value={when.onFile}
            monospace={true}
            placeholder="data/in/*.csv"
            problem={problem}
            hint={trans.__('Below the folder in which the steps run.')}
            onChange={onFile => set({ onFile })}
          />
        ) : null}
        {when.kind === 'after' ? (
          <SelectField
            label={trans.__('Pipeline')}
            value={when.after}
            problem={problem}
            options={[
              ['', trans.__('choose one')],
              ...pipelines
                .filter(one => one.folder !== draft.folder)
                .map((one): [string, string] => [one.name, one.name])
            ]}
            onChange={after => set({ after })}
          />
        ) : null}
      </div>
      {timed || draft.timezone ? <Zone draft={draft} problems={problems} change={change} /> : null}
    </>
  );
}

function Zone({ draft, problems, change }: IDraftProps) {
  const { trans } = usePanel();
  const id = useId();
  const zones = useMemo(
    () => ['UTC', ...Intl.supportedValuesOf('timeZone').filter(one => one !== 'UTC')],
    []
  );
  return (
    <>
      <TextField
        label={trans.__('Time zone')}
        value={draft.timezone}
        list={id}
        placeholder={trans.__('that of the scheduler’s machine')}
        problem={problems.timezone}
        onChange={timezone => change({ timezone })}
      />
      <datalist id={id}>
        {zones.map(one => (
          <option key={one} value={one} />
        ))}
      </datalist>
    </>
  );
}

type Trans = ReturnType<typeof usePanel>['trans'];

function kinds(trans: Trans): [WhenKind, string][] {
  return [
    ['hourly', trans.__('every hour')],
    ['daily', trans.__('every day')],
    ['weekdays', trans.__('every weekday, Monday to Friday')],
    ['weekly', trans.__('every week')],
    ['monthly', trans.__('every month')],
    ['every', trans.__('at an interval')],
    ['cron', trans.__('by a cron expression')],
    ['on_file', trans.__('when a file is new or has changed')],
    ['after', trans.__('after another pipeline')]
  ];
}

function weekdays(trans: Trans): [string, string][] {
  return [
    ['1', trans.__('Monday')],
    ['2', trans.__('Tuesday')],
    ['3', trans.__('Wednesday')],
    ['4', trans.__('Thursday')],
    ['5', trans.__('Friday')],
    ['6', trans.__('Saturday')],
    ['0', trans.__('Sunday')]
  ];
}
