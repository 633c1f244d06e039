import { NIGHTLY, triggerOf, whenOf } from '../src/schedules/when';

describe('when a schedule is due', () => {
  it.each([
    ['0 9 * * 1-5', { kind: 'weekdays', time: '09:00' }],
    ['30 23 * * *', { kind: 'daily', time: '23:30' }],
    ['5 * * * *', { kind: 'hourly', minute: '5' }],
    ['0 9 * * 0', { kind: 'weekly', time: '09:00', weekday: '0' }],
    ['15 4 31 * *', { kind: 'monthly', time: '04:15', day: '31' }]
  ])('shows %s as one of the friendly choices, and writes it back', (cron, fields) => {
    const when = whenOf({ cron });
    expect(when).toMatchObject(fields);
    expect(triggerOf(when)).toEqual({ cron });
  });

  it.each([
    '*/15 9-17 * * 1-5',
    '0 9 * * MON',
    '@daily',
    '0 9 1 * 1',
    '0 0 3 * * *',
    'x',
    '0 9 * 2 *'
  ])('leaves %s as it is written', cron => {
    expect(whenOf({ cron }).kind).toBe('cron');
    expect(triggerOf(whenOf({ cron }))).toEqual({ cron });
  });

  it('knows the other three ways', () => {
    expect(triggerOf(whenOf({ every: 900 }))).toEqual({ every: '900' });
    expect(triggerOf(whenOf({ on_file: 'in/*.csv' }))).toEqual({ on_file: 'in/*.csv' });
    expect(triggerOf(whenOf({ after: 'load' }))).toEqual({ after: 'load' });
  });

  it('makes no cron line of a time that is none: the server refuses it', () => {
    expect(triggerOf({ ...NIGHTLY, kind: 'daily', time: '' })).toEqual({ cron: '? ? * * *' });
  });
});
