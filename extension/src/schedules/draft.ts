// A schedule as it is typed in the form, and the entry of cellmill.yaml that it makes.

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IParameter, ISchedule, ScheduleEntry } from '../api/types';
import { allowsNone, fieldKind, parseEntry } from '../panel/form';
import { IWhen, NIGHTLY, TRIGGERS, triggerOf, whenOf } from './when';

export const ALERT_KINDS = ['failure', 'recovery', 'missed', 'late', 'check'] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

/** Whom to tell of what. */
export interface IAlertDraft {
  to: string;
  on: readonly AlertKind[];
}

/** Settings that are one text each; empty for the default. */
export const TEXTS = [
  'retries',
  'retry_delay',
  'timeout',
  'grace',
  'late',
  'jitter',
  'pool'
] as const;
export type TextKey = (typeof TEXTS)[number];

/** Settings that are one of some words, with their defaults. */
export const CHOICES = {
  overlap: ['queue', 'skip', 'cancel_previous'],
  misfire: ['once', 'skip', 'all'],
  snapshot: ['published', 'latest']
} as const;
export type ChoiceKey = keyof typeof CHOICES;

/** How many of its runs stay; empty for the default. */
export const KEEP = ['count', 'age', 'size'] as const;
export type KeepKey = (typeof KEEP)[number];

/** What is typed for no limit of the number. */
export const ALL = 'all';

export interface IDraft {
  /** The folder whose cellmill.yaml declares it. */
  folder: string;
  /** The schedule that it takes the place of; null for a new one. */
  replaces: string | null;
  /** An ordinary notebook, beside the file; empty for the folder's pipeline. */
  notebook: string;
  name: string;
  when: IWhen;
  timezone: string;
  /** Texts as they are typed; empty, or left out, for the pipeline's default. */
  parameters: { readonly [name: string]: string };
  env: string;
  texts: { readonly [key in TextKey]: string };
  choices: { readonly [key in ChoiceKey]: string };
  keep: { readonly [key in KeepKey]: string };
  /** Run all steps, or what is outdated only. */
  force: boolean;
  alerts: readonly IAlertDraft[];
  enabled: boolean;
  /** The entry as it stands in the file: what the form does not show stays as it is. */
  former: ScheduleEntry;
}

const NO_TEXTS: IDraft['texts'] = {
  retries: '',
  retry_delay: '',
  timeout: '',
  grace: '',
  late: '',
  jitter: '',
  pool: ''
};

const NO_KEEP: IDraft['keep'] = { count: '', age: '', size: '' };

/** A new schedule for a pipeline, or for a notebook that was not promoted. */
export function newDraft(folder: string, notebook = ''): IDraft {
  return {
    folder,
    replaces: null,
    notebook,
    name: '',
    when: NIGHTLY,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC',
    parameters: {},
    env: '',
    texts: NO_TEXTS,
    choices: { overlap: 'queue', misfire: 'once', snapshot: 'published' },
    keep: NO_KEEP,
    force: true,
    alerts: [],
    enabled: true,
    former: {}
  };
}

/** The form for a schedule that there is. */
export function draftOf(schedule: ISchedule): IDraft {
  const { folder, name } = schedule;
  const entry = schedule.entry ?? {};
  const text = (key: string): string =>
    entry[key] === undefined || entry[key] === null ? '' : String(entry[key]);
  const texts = Object.fromEntries(TEXTS.map(key => [key, text(key)])) as IDraft['texts'];
  const choices = Object.fromEntries(
    Object.entries(CHOICES).map(([key, words]) => [key, text(key) || words[0]])
  ) as IDraft['choices'];
  return {
    folder,
    replaces: name,
    notebook: text('notebook'),
    name,
    when: whenOf(entry),
    timezone: text('timezone'),
    parameters: Object.fromEntries(
      Object.entries(asMapping(entry.parameters)).map(([key, one]) => [key, asText(one)])
    ),
    env: text('env'),
    texts,
    choices,
    keep: keepOf(asMapping(entry.keep)),
    force: entry.force !== false,
    alerts: asList(entry.alerts).map(one => alertOf(asMapping(one))),
    enabled: entry.enabled !== false,
    former: entry
  };
}

/** What a draft makes, and sentences for parameters that can't be read, by `parameters.NAME`. */
export interface IMade {
  entry: ScheduleEntry;
  problems: { readonly [key: string]: string };
}

/** The entry that a draft makes: defaults that were not written before stay unwritten. */
export function entryOf(
  draft: IDraft,
  accepted: readonly IParameter[],
  trans: TranslationBundle
): IMade {
  const { former } = draft;
  const entry: { [key: string]: unknown } = { ...former, name: draft.name.trim() };
  TRIGGERS.forEach(key => delete entry[key]);
  Object.assign(entry, triggerOf(draft.when));
  if (entry.every !== undefined) {
    entry.every = kept(former.every, String(entry.every));
  }
  const set = (key: string, value: unknown, isDefault: boolean): void => {
    if (isDefault && !(key in former && former[key] !== null && value !== '')) {
      delete entry[key];
    } else {
      entry[key] = value;
    }
  };
  set('notebook', draft.notebook, !draft.notebook);
  set('timezone', draft.timezone.trim(), !draft.timezone.trim());
  set('env', draft.env, !draft.env);
  for (const key of TEXTS) {
    const text = draft.texts[key].trim();
    set(key, key === 'retries' ? whole(text) : kept(former[key], text), !text);
  }
  for (const [key, words] of Object.entries(CHOICES)) {
    const word = draft.choices[key as ChoiceKey];
    set(key, word, word === words[0]);
  }
  const keep = readKeep(draft);
  set('keep', keep, !Object.keys(keep).length);
  if (!Object.keys(keep).length) {
    delete entry.keep;
  }
  set('force', draft.force, draft.force);
  set('enabled', draft.enabled, draft.enabled);
  const alerts = draft.alerts.map(one =>
    one.on.length === ALERT_KINDS.length ? { to: one.to.trim() } : { to: one.to.trim(), on: one.on }
  );
  set('alerts', alerts, !alerts.length);
  if (!alerts.length) {
    delete entry.alerts;
  }
  const { values, problems } = readParameters(draft, accepted, trans);
  set('parameters', values, !Object.keys(values).length);
  if (!Object.keys(values).length) {
    delete entry.parameters;
  }
  return { entry, problems };
}

/** Whether a text is filled in by the scheduler. */
export function isTemplate(text: string): boolean {
  return text.includes('{{') || text.includes('{%');
}

function readParameters(
  draft: IDraft,
  accepted: readonly IParameter[],
  trans: TranslationBundle
): { values: { [name: string]: unknown }; problems: { [key: string]: string } } {
  const values: { [name: string]: unknown } = {};
  const problems: { [key: string]: string } = {};
  const former = asMapping(draft.former.parameters);
  // As they stand in the file; new ones in the pipeline's order, whatever was typed first.
  const order = [...Object.keys(former), ...accepted.map(one => one.name)];
  for (const name of new Set([...order, ...Object.keys(draft.parameters)])) {
    const text = draft.parameters[name] ?? '';
    if (text === '') {
      continue;
    }
    const parameter = accepted.find(one => one.name === name);
    if ((name in former && asText(former[name]) === text) || isTemplate(text) || !parameter) {
      values[name] = name in former && asText(former[name]) === text ? former[name] : text;
      continue;
    }
    const parsed = readText(parameter, text, trans);
    if ('error' in parsed) {
      problems[`parameters.${name}`] = parsed.error;
    } else {
      values[name] = parsed.value;
    }
  }
  return { values, problems };
}

function readText(
  parameter: IParameter,
  text: string,
  trans: TranslationBundle
): { value: unknown } | { error: string } {
  const none = /^(none|null)$/i.test(text.trim());
  if (none && allowsNone(parameter)) {
    return { value: null };
  }
  if (fieldKind(parameter) === 'check') {
    const word = text.trim().toLowerCase();
    return word === 'true' || word === 'false'
      ? { value: word === 'true' }
      : { error: trans.__('Write true or false.') };
  }
  return parseEntry(parameter, text, trans);
}

/** How a value stands in its field. */
export function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function keepOf(entry: { readonly [key: string]: unknown }): IDraft['keep'] {
  const text = (key: KeepKey): string => {
    const value = entry[key];
    return value === undefined ? '' : value === null ? (key === 'count' ? ALL : '') : String(value);
  };
  return { count: text('count'), age: text('age'), size: text('size') };
}

function readKeep({ keep, former }: IDraft): { [key: string]: unknown } {
  const before = asMapping(former.keep);
  const texts = KEEP.map(key => [key, keep[key].trim()] as const).filter(([, text]) => text);
  return Object.fromEntries(
    texts.map(([key, text]) => {
      const value = key !== 'count' ? kept(before[key], text) : text === ALL ? null : whole(text);
      return [key, value];
    })
  );
}

function alertOf(entry: { readonly [key: string]: unknown }): IAlertDraft {
  const on = entry.on === undefined ? ALERT_KINDS : asList(entry.on);
  return { to: asText(entry.to ?? ''), on: ALERT_KINDS.filter(kind => on.includes(kind)) };
}

/** The value as it was written, where its text is the same. */
function kept(former: unknown, text: string): unknown {
  return former !== undefined && former !== null && String(former) === text ? former : text;
}

function whole(text: string): unknown {
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}

function asMapping(value: unknown): { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as { [key: string]: unknown })
    : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
