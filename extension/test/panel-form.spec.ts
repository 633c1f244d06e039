// The run form: text to typed values, with a sentence for what can't be.

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IParameter, ParameterType } from '../src/api/types';
import { Parsed, entryOf, parseEntry, readForm } from '../src/panel/form';

// Lab's own translator is no CommonJS module, which jest would need.
const trans = { __: (text: string) => text } as TranslationBundle;

function parameter(type: ParameterType, more: Partial<IParameter> = {}): IParameter {
  return { name: 'p', type, default: 1, ...more };
}

function parse(one: IParameter, text: string): Parsed {
  return parseEntry(one, text, trans);
}

describe('parseEntry', () => {
  it.each([
    ['int', '5', 5],
    ['int', ' -1_000 ', -1000],
    ['float', '1e-3', 0.001],
    ['int', '99999999999999999999', '99999999999999999999'],
    ['float', '.5', 0.5],
    ['float', 'NaN', 'nan'],
    ['float', '-inf', '-inf'],
    ['float', '2', 2],
    ['str', ' as it is ', ' as it is '],
    ['str', '', ''],
    ['list', '[1, "a"]', [1, 'a']],
    ['dict', '{"a": null}', { a: null }],
    ['any', '"x"', 'x']
  ] as const)('reads %s %p', (type, text, value) => {
    expect(parse(parameter(type), text)).toEqual({ value });
  });

  it.each([
    ['int', '5.0'],
    ['int', ''],
    ['float', 'Infinity'],
    ['float', '1e999'],
    ['float', '0x10'],
    ['list', '{}'],
    ['dict', '[1]'],
    ['dict', 'null'],
    ['any', 'True'],
    ['any', "'a'"],
    ['any', '']
  ] as const)('refuses %s %p with a sentence', (type, text) => {
    expect(parse(parameter(type), text)).toEqual({ error: expect.stringMatching(/\.$/) });
  });

  it('holds bounds', () => {
    const one = parameter('float', { minimum: 0, maximum: 1 });
    expect(parse(one, '1')).toEqual({ value: 1 });
    expect(parse(one, '1.1')).toHaveProperty('error');
    expect(parse(one, '-0.1')).toHaveProperty('error');
  });

  it('allows None only where the parameter does', () => {
    expect(parseEntry(parameter('int'), null, trans)).toHaveProperty('error');
    expect(parseEntry(parameter('int', { nullable: true }), null, trans)).toEqual({ value: null });
    expect(parseEntry(parameter('str', { default: null }), null, trans)).toEqual({ value: null });
  });

  it('reads choices of any type', () => {
    const one = parameter('any', { choices: [1, 'one', null] });
    expect(parse(one, entryOf(one, 'one') as string)).toEqual({ value: 'one' });
    expect(parse(one, entryOf(one, 1) as string)).toEqual({ value: 1 });
  });
});

describe('readForm', () => {
  const parameters: IParameter[] = [
    { name: 'rate', type: 'float', default: 0.1 },
    { name: 'deep', type: 'bool', default: false },
    { name: '__proto__', type: 'str', default: 'x' }
  ];

  it('sends nothing while nothing is changed', () => {
    const form = readForm(parameters, {}, trans);
    expect(form).toMatchObject({ parameters: {}, valid: true });
    expect(form.fields.map(one => one.changed)).toEqual([false, false, false]);
  });

  it('sends only what differs from the default', () => {
    const form = readForm(parameters, { rate: '0.10', deep: true }, trans);
    expect(form.parameters).toEqual({ deep: true });
    expect(form.fields[0].changed).toBe(false);
  });

  it('is not valid while one field is not', () => {
    const form = readForm(parameters, { rate: 'much' }, trans);
    expect(form.valid).toBe(false);
    expect(form.fields[0]).toMatchObject({ changed: true, entry: 'much' });
  });

  it('takes any name', () => {
    const draft = JSON.parse('{"__proto__": "y"}');
    const form = readForm(parameters, draft, trans);
    expect(JSON.stringify(form.parameters)).toBe('{"__proto__":"y"}');
  });
});
