import type { TranslationBundle } from '@jupyterlab/translation';
import type { IParameter, ISchedule } from '../src/api/types';
import { draftOf, entryOf, newDraft } from '../src/schedules/draft';

const trans = { __: (text: string) => text } as unknown as TranslationBundle;
const PARAMETERS: readonly IParameter[] = [
  { name: 'n', type: 'int', default: 2 },
  { name: 'day', type: 'str', default: 'x' },
  { name: 'on', type: 'bool', default: false }
];

function schedule(entry: { [key: string]: unknown }): ISchedule {
  return { folder: 'pipelines/a', name: entry.name, entry } as unknown as ISchedule;
}

describe('the entry that the form makes', () => {
  it('is the one that stands in the file while nothing is typed', () => {
    const entry = {
      name: 'nightly',
      cron: '0 3 * * *',
      timezone: 'Europe/Berlin',
      parameters: { n: 3, day: '{{ date }}', list: [1, 2] },
      retries: 2,
      retry_delay: 90,
      overlap: 'queue',
      enabled: true,
      keep: { count: null, age: '30d', size: 500000000 },
      jitter: 30,
      pool: 'gpu',
      force: false,
      alerts: [{ to: '$SLACK', on: ['failure'] }]
    };
    expect(entryOf(draftOf(schedule(entry)), PARAMETERS, trans)).toEqual({ entry, problems: {} });
  });

  it('writes no defaults, types what is typed, and leaves templates to the server', () => {
    const draft = {
      ...newDraft('pipelines/a'),
      name: ' nightly ',
      timezone: '',
      parameters: { n: '5', day: '{{ date | days(-1) }}', on: 'true' }
    };
    expect(entryOf(draft, PARAMETERS, trans).entry).toEqual({
      name: 'nightly',
      cron: '0 3 * * *',
      parameters: { n: 5, day: '{{ date | days(-1) }}', on: true }
    });
  });

  it('keeps what is typed of runs, and drops what is emptied', () => {
    const draft = draftOf(schedule({ name: 'a', every: '1h', keep: { count: 5, age: '7d' } }));
    const typed = (keep: typeof draft.keep): unknown =>
      entryOf({ ...draft, keep }, PARAMETERS, trans).entry.keep;
    expect(typed({ count: 'all', age: '', size: '2 GB' })).toEqual({ count: null, size: '2 GB' });
    expect(typed({ count: '12', age: '7d', size: '' })).toEqual({ count: 12, age: '7d' });
    expect(typed({ count: '', age: ' ', size: '' })).toBeUndefined();
  });

  it('says which parameter can not be read', () => {
    const draft = { ...newDraft('pipelines/a'), parameters: { n: 'five', day: '', on: 'yes' } };
    const { entry, problems } = entryOf(draft, PARAMETERS, trans);
    expect(entry.parameters).toBeUndefined();
    expect(Object.keys(problems)).toEqual(['parameters.n', 'parameters.on']);
  });

  it('lets one way to say when take the place of another', () => {
    const draft = draftOf(schedule({ name: 'a', cron: '0 3 * * *', env: 'prod' }));
    const next = {
      ...draft,
      env: '',
      when: { ...draft.when, kind: 'every' as const, every: '2h' }
    };
    expect(entryOf(next, PARAMETERS, trans).entry).toEqual({ name: 'a', every: '2h' });
  });
});
