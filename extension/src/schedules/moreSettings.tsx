// What few schedules need: folded away, unless something of it is set or wrong.

import { useState } from 'react';
import { usePanel } from '../panel/context';
import { ALL, IDraft, KEEP, KeepKey } from './draft';
import { IDraftProps, SelectField, TextField, TextSetting } from './field';

const SETTINGS = ['jitter', 'pool', 'force', 'keep'];

export function MoreSettings(props: IDraftProps) {
  const { draft, problems, change } = props;
  const { trans } = usePanel();
  const labels: { readonly [key in KeepKey]: string } = {
    count: trans.__('Keep runs'),
    age: trans.__('Not older than'),
    size: trans.__('All together')
  };
  const placeholders: { readonly [key in KeepKey]: string } = {
    count: '30',
    age: trans.__('any age'),
    size: trans.__('any size')
  };
  const [open, setOpen] = useState(isSet(draft.former));
  const wrong = Object.keys(problems).some(key => SETTINGS.includes(key.split('.')[0]));
  return (
    <details
      className="cellmill-MoreSettings"
      open={open || wrong}
      onToggle={event => setOpen(event.currentTarget.open)}
    >
      <summary>{trans.__('More settings')}</summary>
      {draft.notebook ? null : (
        <SelectField
          label={trans.__('Steps')}
          value={draft.force ? 'all' : 'outdated'}
          problem={problems.force}
          hint={
            draft.force
              ? undefined
              : trans.__('New data alone makes no step outdated: only code and parameters do.')
          }
          options={[
            ['all', trans.__('all of them')],
            ['outdated', trans.__('those that are outdated')]
          ]}
          onChange={word => change({ force: word === 'all' })}
        />
      )}
      <div className="cellmill-Fields-row">
        <TextSetting
          {...props}
          name="jitter"
          label={trans.__('Spread over')}
          placeholder="0s"
          hint={trans.__('Starts up to so much later, so that not all start at once.')}
        />
        <TextSetting
          {...props}
          name="pool"
          label={trans.__('Pool')}
          placeholder="default"
          hint={trans.__('A scheduler limits how many of a pool run at once.')}
        />
      </div>
      <div className="cellmill-Fields-row">
        {KEEP.map(key => (
          <TextField
            key={key}
            label={labels[key]}
            value={draft.keep[key]}
            placeholder={placeholders[key]}
            narrow={true}
            problem={problems[`keep.${key}`] ?? (key === 'count' ? problems.keep : undefined)}
            onChange={text => change({ keep: { ...draft.keep, [key]: text } })}
          />
        ))}
      </div>
      <p className="cellmill-Muted">
        {trans.__(
          'Older ones go, with their notebooks and reports; the last success stays. “%1” keeps any number.',
          ALL
        )}
      </p>
    </details>
  );
}

function isSet(former: IDraft['former']): boolean {
  return SETTINGS.some(key => key in former);
}
