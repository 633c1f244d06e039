// When a schedule is due, as people say it: friendly choices, and the keys of cellmill.yaml that they stand for.

/** How the form asks for it. */
export type WhenKind =
  'hourly' | 'daily' | 'weekdays' | 'weekly' | 'monthly' | 'cron' | 'every' | 'on_file' | 'after';

/** What stands in the fields; those that the kind does not show keep what they had. */
export interface IWhen {
  kind: WhenKind;
  /** Of a day, as `09:00`. */
  time: string;
  /** Of an hour. */
  minute: string;
  /** As cron counts: Sunday is 0. */
  weekday: string;
  /** Of a month. */
  day: string;
  cron: string;
  every: string;
  onFile: string;
  after: string;
}

/** The keys of an entry that say when. */
export const TRIGGERS = ['cron', 'every', 'on_file', 'after'] as const;

export const NIGHTLY: IWhen = {
  kind: 'daily',
  time: '03:00',
  minute: '0',
  weekday: '1',
  day: '1',
  cron: '0 3 * * *',
  every: '1h',
  onFile: '',
  after: ''
};

/** The key and the value that say it in the file. */
export function triggerOf(when: IWhen): { [key: string]: string } {
  const [hour, minute] = clock(when.time);
  switch (when.kind) {
    case 'hourly':
      return { cron: `${number(when.minute)} * * * *` };
    case 'daily':
      return { cron: `${minute} ${hour} * * *` };
    case 'weekdays':
      return { cron: `${minute} ${hour} * * 1-5` };
    case 'weekly':
      return { cron: `${minute} ${hour} * * ${when.weekday}` };
    case 'monthly':
      return { cron: `${minute} ${hour} ${number(when.day)} * *` };
    case 'cron':
      return { cron: when.cron.trim() };
    case 'every':
      return { every: when.every.trim() };
    case 'on_file':
      return { on_file: when.onFile.trim() };
    case 'after':
      return { after: when.after.trim() };
  }
}

const FIVE = /^(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)$/;
const WHOLE = /^\d{1,2}$/;

/** The fields for what an entry says. */
export function whenOf(entry: { readonly [key: string]: unknown }): IWhen {
  if (entry.every !== undefined && entry.every !== null) {
    return { ...NIGHTLY, kind: 'every', every: String(entry.every) };
  }
  if (typeof entry.on_file === 'string') {
    return { ...NIGHTLY, kind: 'on_file', onFile: entry.on_file };
  }
  if (typeof entry.after === 'string') {
    return { ...NIGHTLY, kind: 'after', after: entry.after };
  }
  return typeof entry.cron === 'string' ? ofCron(entry.cron) : NIGHTLY;
}

function ofCron(cron: string): IWhen {
  const as = { ...NIGHTLY, cron };
  const [, minute, hour, day, month, weekday] = FIVE.exec(cron.trim()) ?? [];
  if (minute === undefined || month !== '*' || !WHOLE.test(minute)) {
    return { ...as, kind: 'cron' };
  }
  if (hour === '*' && day === '*' && weekday === '*') {
    return { ...as, kind: 'hourly', minute };
  }
  if (!WHOLE.test(hour)) {
    return { ...as, kind: 'cron' };
  }
  const time = `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
  if (day === '*' && weekday === '*') {
    return { ...as, kind: 'daily', time };
  }
  if (day === '*' && weekday === '1-5') {
    return { ...as, kind: 'weekdays', time };
  }
  if (day === '*' && /^[0-6]$/.test(weekday)) {
    return { ...as, kind: 'weekly', time, weekday };
  }
  if (weekday === '*' && WHOLE.test(day)) {
    return { ...as, kind: 'monthly', time, day };
  }
  return { ...as, kind: 'cron' };
}

/** Hour and minute without leading zeros; what is no time is left for the server to refuse. */
function clock(time: string): [string, string] {
  const [hour = '', minute = ''] = time.split(':');
  return [number(hour), number(minute)];
}

function number(text: string): string {
  return /^\d+$/.test(text.trim()) ? String(Number(text)) : text.trim() || '?';
}
