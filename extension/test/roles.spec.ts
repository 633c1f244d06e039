// Roles read and written as the Python package does; `roles.cases.json` holds the Python package's own answers.

import cases from './roles.cases.json';
import {
  magicLines,
  nameProblem,
  roleOf,
  roleOfTag,
  sourceWithRole,
  tagOfRole,
  tagsWithRole,
  toIdentifier,
  withRole,
  type IRole
} from '../src/roles';

interface ICase {
  source: string;
  tags: string[];
  role: { kind: string; name: string | null } | null;
  magic: boolean;
}
const CASES: { cells: ICase[]; names: { text: string; identifier: string; possible: boolean }[] } =
  cases;

const TRAIN: IRole = { kind: 'step', name: 'train' };
const CHECK: IRole = { kind: 'check', name: 'train' };
const SHARED: IRole = { kind: 'shared', name: null };
const ROLES: (IRole | null)[] = [
  TRAIN,
  CHECK,
  SHARED,
  { kind: 'parameters', name: null },
  { kind: 'skip', name: null },
  null
];

const plain = (role: IRole | null): IRole | null => role && { kind: role.kind, name: role.name };

describe('roleOf', () => {
  it.each(CASES.cells.map(one => [JSON.stringify([one.source, one.tags]), one] as const))(
    'reads %s as Python does',
    (_, one) => {
      const role = roleOf(one.source, one.tags);
      expect(plain(role)).toEqual(one.role);
      if (role) {
        expect(role.origin).toBe(one.magic ? 'magic' : 'tag');
      }
    }
  );

  it('reads no further than the first line of code', () => {
    const long = 'x = 1\n' + '%%step load\n'.repeat(100000);
    const began = performance.now();
    for (let turn = 0; turn < 1000; turn++) {
      roleOf(long, []);
    }
    expect(performance.now() - began).toBeLessThan(200);
  });
});

describe('withRole', () => {
  it.each(CASES.cells.map(one => [JSON.stringify([one.source, one.tags]), one] as const))(
    'gives %s each role, and touches no foreign tag',
    (_, one) => {
      for (const role of ROLES) {
        const after = withRole(one.source, one.tags, role);
        expect(plain(roleOf(after.source, after.tags))).toEqual(role);
        const foreign = (tags: readonly string[]) => tags.filter(tag => !roleOfTag(tag));
        expect(foreign(after.tags)).toEqual(foreign(one.tags));
        expect(after.tags.filter(tag => roleOfTag(tag)).length).toBeLessThanOrEqual(1);
        expect(withRole(after.source, after.tags, role)).toEqual(after);
      }
    }
  );

  it('writes a tag where there is no magic line', () => {
    expect(withRole('x = 1', [], TRAIN)).toEqual({ source: 'x = 1', tags: ['step:train'] });
  });

  it('edits the magic line where there is one, and adds no tag', () => {
    const after = withRole('%%step load --after a --retries 2\nx = 1', ['nbval-skip'], TRAIN);
    expect(after).toEqual({
      source: '%%step train --after a --retries 2\nx = 1',
      tags: ['nbval-skip']
    });
  });

  it('takes away a tag that would contradict the magic line', () => {
    expect(withRole('%%step load', ['step:load', 'hide-input'], TRAIN)).toEqual({
      source: '%%step train',
      tags: ['hide-input']
    });
  });

  it('takes both away for none', () => {
    expect(withRole('\n%%step load\n%%time\nx', ['a', 'step:load', 'b'], null)).toEqual({
      source: '\n%%time\nx',
      tags: ['a', 'b']
    });
  });
});

describe('sourceWithRole', () => {
  it.each([
    ['%%step old', '%%step train'],
    ['%%step   old   --after a,b  # why', '%%step   train   --after a,b  # why'],
    ['%%step --after a old', '%%step --after a train'],
    ['%%step --after=a "old"', '%%step --after=a train'],
    ['%%step --timeout 3', '%%step train --timeout 3'],
    ['%%step', '%%step train'],
    ['%%step one two', '%%step train'],
    ['%%step "open', '%%step train'],
    ['%%step old --retries x # why', '%%step train  # why'],
    ['%%step old\r\nx\r', '%%step train\r\nx\r'],
    ['%%shared', '%%step train'],
    ['%%check old # why', '%%step train  # why'],
    ['  %%step old', '  %%step train'],
    ['%%step:old', '%%step train'],
    ['%%step old\n%%shared\nx', '%%step train\nx'],
    ['%%time\n%%step old', '%%time\n%%step old'],
    ['x = 1', 'x = 1']
  ])('makes %j a step', (before, after) => {
    expect(sourceWithRole(before, TRAIN)).toBe(after);
  });

  it('drops what another role cannot have', () => {
    expect(sourceWithRole('%%step old --after a # why\nx', CHECK)).toBe('%%check train  # why\nx');
    expect(sourceWithRole('%%step old --after a\nx', SHARED)).toBe('%%shared\nx');
  });

  it('leaves a line that says it already', () => {
    expect(sourceWithRole("%%step 'train'  --retries 1", TRAIN)).toBe(
      "%%step 'train'  --retries 1"
    );
  });
});

describe('tagsWithRole', () => {
  it.each<[string[], IRole | null, string[]]>([
    [['a', 'step:load', 'b'], TRAIN, ['a', 'step:train', 'b']],
    [['a', 'step:load', 'b', 'shared'], TRAIN, ['a', 'step:train', 'b']],
    [['a', 'b'], SHARED, ['a', 'b', 'shared']],
    [['skip', 'a'], null, ['a']],
    [['step: train'], TRAIN, ['step: train']],
    [['Step:load', 'raises-exception'], TRAIN, ['Step:load', 'raises-exception', 'step:train']],
    [['a', 'a'], null, ['a', 'a']]
  ])('%j with %j', (tags, role, after) => {
    expect(tagsWithRole(tags, role)).toEqual(after);
  });

  it('is undone by the tag it replaced', () => {
    expect(tagOfRole(roleOfTag('step:train') as IRole)).toBe('step:train');
    expect(tagOfRole(roleOfTag('shared') as IRole)).toBe('shared');
    expect(roleOfTag('stepped')).toBeNull();
    expect(roleOfTag(':')).toBeNull();
  });
});

describe('names', () => {
  it.each(CASES.names.map(one => [one.text, one] as const))('%j as in Python', (_, one) => {
    expect(toIdentifier(one.text)).toBe(one.identifier);
    expect(nameProblem(one.text) === null).toBe(one.possible);
  });

  it('says what to write instead', () => {
    expect(nameProblem('load data')).toEqual({ kind: 'not-identifier', instead: 'load_data' });
    expect(nameProblem('class')).toEqual({ kind: 'keyword', instead: 'class_' });
    expect(nameProblem('Load', ['load'])).toEqual({ kind: 'case', instead: 'load' });
    expect(nameProblem('load', ['load'])).toBeNull();
    expect(nameProblem('churn_shared', [], 'churn')?.kind).toBe('reserved');
    expect(nameProblem('con')?.kind).toBe('device');
    expect(nameProblem('!!')).toEqual({ kind: 'not-identifier', instead: 'load' });
    expect(nameProblem('')?.kind).toBe('empty');
  });
});

it('finds magic lines with their places', () => {
  expect(magicLines('\n\n%%step a\n\n%%shared\nx').map(magic => [magic.kind, magic.line])).toEqual([
    ['step', 2],
    ['shared', 4]
  ]);
});
