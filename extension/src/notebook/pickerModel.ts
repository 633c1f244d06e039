// What the role picker offers for a notebook and a text typed: pure, so that it can be tested without a page.

import { foldCase, nameProblem, sameRole, type INameProblem, type IRole } from '../roles';

/** Typed like this, the role is meant, and no step of that name. */
const OTHERS = /^(shared|parameters|skip|none|no role)$/i;

export type ChoiceGroup = 'new' | 'steps' | 'others' | 'checks';

/** One line of the picker. */
export interface IChoice {
  /** Unique among the choices shown at once. */
  id: string;
  group: ChoiceGroup;
  /** The role to give; null takes the role away. */
  role: IRole | null;
  /** Whether every cell asked about has it. */
  current: boolean;
  /** Why the name is not the one typed. */
  problem: INameProblem | null;
}

export interface IPickerState {
  /** The notebook's steps in order. */
  steps: readonly string[];
  /** The name that the notebook's file has without its ending. */
  notebook: string;
  /** The role that all cells asked about have; undefined where they differ. */
  current: IRole | null | undefined;
  /** What was typed. */
  text: string;
}

/** The picker's lines: those that hold the text typed, and a new step of that name at the end. */
export function choices(state: IPickerState): readonly IChoice[] {
  const wanted = foldCase(state.text.trim().replace(/^step:/, ''));
  const make = (id: string, group: ChoiceGroup, role: IRole | null): IChoice => ({
    id,
    group,
    role,
    current: state.current !== undefined && sameRole(state.current, role),
    problem: null
  });
  const all = [
    ...state.steps.map(name => make(`step:${name}`, 'steps', { kind: 'step', name })),
    make('shared', 'others', { kind: 'shared', name: null }),
    make('parameters', 'others', { kind: 'parameters', name: null }),
    make('skip', 'others', { kind: 'skip', name: null }),
    make('none', 'others', null),
    ...checkedFirst(state).map(name => make(`check:${name}`, 'checks', { kind: 'check', name }))
  ];
  const found = all.filter(choice =>
    textOf(choice).some(text => text.includes(wanted.replace(':', ' ')))
  );
  // A name typed in full is meant, whatever stands before it in the list.
  const exact = found.filter(
    choice => foldCase(choice.role?.name ?? choice.id) === wanted || textOf(choice).includes(wanted)
  );
  const others = found.filter(choice => !exact.includes(choice));
  const fresh = newStep(state);
  return wanted ? [...exact, ...others, ...(fresh ? [fresh] : [])] : found;
}

/** What may be typed to find a line. */
function textOf(choice: IChoice): readonly string[] {
  const text = foldCase(choice.id.replace(/^step:/, '').replace(':', ' '));
  return choice.role ? [text] : [text, 'no role'];
}

/** The line to stand on first: the current role, or the first one. */
export function firstChoice(lines: readonly IChoice[], text: string): number {
  const current = lines.findIndex(choice => choice.current && choice.role !== null);
  return text.trim() || current < 0 ? 0 : current;
}

/** Steps to check, that of the cells themselves first: a check mostly stands below what it checks. */
function checkedFirst(state: IPickerState): readonly string[] {
  const name = state.current?.name;
  return name && state.steps.includes(name)
    ? [name, ...state.steps.filter(step => step !== name)]
    : state.steps;
}

function newStep(state: IPickerState): IChoice | null {
  const typed = state.text.trim().replace(/^step:\s*/, '');
  if (!typed || state.steps.includes(typed) || /^check[ :]/.test(typed) || OTHERS.test(typed)) {
    return null;
  }
  const problem = nameProblem(typed, state.steps, state.notebook);
  const name = problem ? problem.instead : typed;
  const unusable = problem && nameProblem(name, state.steps, state.notebook) !== null;
  const nothingLeft = problem?.kind === 'not-identifier' && !/[\p{L}]/u.test(typed);
  if (unusable || nothingLeft || state.steps.includes(name)) {
    return null;
  }
  return { id: `new:${name}`, group: 'new', role: { kind: 'step', name }, current: false, problem };
}
