// A run's parameters as the user types them: text to values and back, with a sentence for what can't be.

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IParameter } from '../api/types';
import { same } from './runs';

/** What stands in a field: text, a check box's state, or null for None. */
export type Entry = string | boolean | null;

/** What the user changed, by parameter. */
export type Draft = { readonly [name: string]: Entry };

export type Parsed = { readonly value: unknown } | { readonly error: string };

export type FieldKind = 'check' | 'choice' | 'number' | 'text' | 'json';

/** Which kind of field a parameter gets. */
export function fieldKind(parameter: IParameter): FieldKind {
  if (parameter.choices?.length) {
    return 'choice';
  }
  switch (parameter.type) {
    case 'bool':
      return 'check';
    case 'int':
    case 'float':
      return 'number';
    case 'str':
      return 'text';
    default:
      return 'json';
  }
}

/** Whether None is a value of this parameter. */
export function allowsNone(parameter: IParameter): boolean {
  return parameter.nullable === true || parameter.default === null || parameter.type === 'none';
}

/** How a value stands in its field. */
export function entryOf(parameter: IParameter, value: unknown): Entry {
  if (value === null || value === undefined) {
    return null;
  }
  switch (fieldKind(parameter)) {
    case 'check':
      return value === true;
    case 'text':
    case 'number':
      return typeof value === 'string' ? value : JSON.stringify(value);
    default:
      return JSON.stringify(value);
  }
}

/** Read a field. */
export function parseEntry(parameter: IParameter, entry: Entry, trans: TranslationBundle): Parsed {
  if (entry === null) {
    return allowsNone(parameter)
      ? { value: null }
      : { error: trans.__('This parameter needs a value.') };
  }
  if (typeof entry === 'boolean') {
    return { value: entry };
  }
  switch (fieldKind(parameter)) {
    case 'number':
      return parseNumber(parameter, entry.trim(), trans);
    case 'text':
      return { value: entry };
    default:
      return parseJson(parameter, entry, trans);
  }
}

const INTEGER = /^[+-]?\d+(?:_\d+)*$/;
const DECIMAL = /^[+-]?(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NO_JSON_NUMBER = /^(?:[+-]?inf|nan)$/i;

function parseNumber(parameter: IParameter, text: string, trans: TranslationBundle): Parsed {
  const whole = parameter.type === 'int';
  if (!whole && NO_JSON_NUMBER.test(text)) {
    // JSON has no such numbers: the server gives and takes them as text.
    return { value: text.toLowerCase().replace('+', '') };
  }
  if (!(whole ? INTEGER : DECIMAL).test(text)) {
    return {
      error: whole
        ? trans.__('Write a whole number, such as 5.')
        : trans.__('Write a number, such as 0.5 or 1e-3.')
    };
  }
  const value = Number(text.replaceAll('_', ''));
  if (whole && !Number.isSafeInteger(value)) {
    // As text, which the server reads in full; a number of JavaScript would be rounded.
    return { value: text.replaceAll('_', '') };
  }
  if (!Number.isFinite(value)) {
    return { error: trans.__('This number is too large.') };
  }
  if (typeof parameter.minimum === 'number' && value < parameter.minimum) {
    return { error: trans.__('It must be at least %1.', parameter.minimum) };
  }
  if (typeof parameter.maximum === 'number' && value > parameter.maximum) {
    return { error: trans.__('It must be at most %1.', parameter.maximum) };
  }
  return { value };
}

function parseJson(parameter: IParameter, text: string, trans: TranslationBundle): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { error: jsonHint(text, trans) };
  }
  if (parameter.type === 'list' && !Array.isArray(value)) {
    return { error: trans.__('Write a list, such as [1, 2].') };
  }
  const isDict = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (parameter.type === 'dict' && !isDict) {
    return { error: trans.__('Write a dict, such as {"a": 1}.') };
  }
  return { value };
}

function jsonHint(text: string, trans: TranslationBundle): string {
  if (/\b(True|False|None)\b/.test(text)) {
    return trans.__('Write true, false and null, as in JSON.');
  }
  return text.includes("'")
    ? trans.__('Put text in double quotes, as in JSON.')
    : trans.__('Write a JSON value, such as 1, "text" or [1, 2].');
}

/** One parameter as the form shows it. */
export interface IField {
  parameter: IParameter;
  kind: FieldKind;
  entry: Entry;
  changed: boolean;
  error: string;
}

/** All fields of a form, and what a run would be given. */
export interface IForm {
  fields: readonly IField[];
  /** Only what differs from the defaults. */
  parameters: { readonly [name: string]: unknown };
  valid: boolean;
}

/** Read a whole form. */
export function readForm(
  parameters: readonly IParameter[],
  draft: Draft,
  trans: TranslationBundle
): IForm {
  const values: { [name: string]: unknown } = {};
  const fields = parameters.map((parameter): IField => {
    const touched = Object.hasOwn(draft, parameter.name);
    const entry = touched ? draft[parameter.name] : entryOf(parameter, parameter.default);
    const parsed: Parsed = touched
      ? parseEntry(parameter, entry, trans)
      : { value: parameter.default };
    const changed = 'error' in parsed || !same(parsed.value, parameter.default);
    if (changed && 'value' in parsed) {
      Object.defineProperty(values, parameter.name, { value: parsed.value, enumerable: true });
    }
    return {
      parameter,
      kind: fieldKind(parameter),
      entry,
      changed,
      error: 'error' in parsed ? parsed.error : ''
    };
  });
  return { fields, parameters: values, valid: fields.every(one => !one.error) };
}
