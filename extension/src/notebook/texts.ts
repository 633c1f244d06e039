// Roles and their problems in words.

import type { TranslationBundle } from '@jupyterlab/translation';
import type { INameProblem, IRole } from '../roles';

/** A role as lists show it. */
export function roleText(role: IRole | null, trans: TranslationBundle): string {
  switch (role?.kind) {
    case 'step':
      return role.name ?? '';
    case 'check':
      return trans.__('check of %1', role.name ?? '');
    case 'shared':
      return trans.__('shared');
    case 'parameters':
      return trans.__('parameters');
    case 'skip':
      return trans.__('skip');
    case undefined:
      return trans.__('no role');
  }
}

/** A role in a sentence, for tooltips and screen readers. */
export function roleSentence(role: IRole | null, trans: TranslationBundle): string {
  switch (role?.kind) {
    case 'step':
      return trans.__('Step %1', role.name ?? '');
    case 'check':
      return trans.__('Check of step %1: runs after it', role.name ?? '');
    case 'shared':
      return trans.__('Shared: imports, functions and classes for every step');
    case 'parameters':
      return trans.__('Parameters: what a run can change');
    case 'skip':
      return trans.__('Skip: not part of the pipeline, on purpose');
    case undefined:
      return trans.__('No role: not part of the pipeline');
  }
}

/** Why a name was changed, short enough for a list. */
export function problemText(problem: INameProblem, trans: TranslationBundle): string {
  switch (problem.kind) {
    case 'keyword':
      return trans.__('a word of Python');
    case 'reserved':
      return trans.__('the pipeline’s own name');
    case 'device':
      return trans.__('no file name on Windows');
    case 'case':
      return trans.__('differs only in case');
    default:
      // That a typed text becomes a name is plain to see.
      return '';
  }
}
