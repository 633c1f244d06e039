// What the role picker offers for a notebook and a text typed.

import { choices, firstChoice, type IPickerState } from '../src/notebook/pickerModel';

const STATE: IPickerState = {
  steps: ['load', 'train'],
  notebook: 'churn',
  current: { kind: 'step', name: 'train' },
  text: ''
};
const ids = (state: Partial<IPickerState>) =>
  choices({ ...STATE, ...state }).map(choice => choice.id);

it('offers steps, other roles and checks, and stands on the current role', () => {
  expect(ids({})).toEqual([
    'step:load',
    'step:train',
    'shared',
    'parameters',
    'skip',
    'none',
    'check:train',
    'check:load'
  ]);
  expect(firstChoice(choices(STATE), '')).toBe(1);
  expect(firstChoice(choices({ ...STATE, current: undefined }), '')).toBe(0);
  expect(choices(STATE).filter(choice => choice.current)).toHaveLength(1);
});

it('finds by any part of a name, and offers a new step last', () => {
  expect(ids({ text: 'rai' })).toEqual(['step:train', 'check:train', 'new:rai']);
  expect(ids({ text: 'train' })).toEqual(['step:train', 'check:train']);
  expect(ids({ text: 'check train' })).toEqual(['check:train']);
  expect(ids({ text: 'Skip' })[0]).toBe('skip');
  expect(ids({ text: 'step:lo' })).toEqual(['step:load', 'check:load', 'new:lo']);
});

it('takes the words for the other roles for these, and makes no steps of them', () => {
  expect(ids({ text: 'no role' })).toEqual(['none']);
  expect(ids({ text: 'None' })).toEqual(['none']);
  expect(ids({ text: 'shared' })).toEqual(['shared']);
  expect(ids({ text: 'parameters' })).toEqual(['parameters']);
});

it('makes a name of what is no name', () => {
  const [fresh] = choices({ ...STATE, text: 'Clean the data' });
  expect(fresh.role).toEqual({ kind: 'step', name: 'clean_the_data' });
  expect(fresh.problem?.kind).toBe('not-identifier');
  expect(ids({ text: 'Load' })).toEqual(['step:load', 'check:load']);
  expect(ids({ text: 'upstream' })).toEqual(['new:upstream_step']);
  expect(ids({ text: 'churn_shared' })).toEqual(['new:churn_shared_step']);
  expect(ids({ text: '!!' })).toEqual([]);
  expect(ids({ text: '<img src=x onerror=alert(1)>' })).toEqual(['new:img_src_x_onerror_alert_1']);
});
