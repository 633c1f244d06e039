// Findings as notes on cells, and small edits of texts.

import { byWeight, mergeNotes, notesOfFindings, sentence } from '../src/notebook/notes';
import { changedPart, sameTexts } from '../src/notebook/textEdit';
import type { IFinding } from '../src/api/types';

const finding = (more: Partial<IFinding>): IFinding => ({
  code: 'CM201',
  kind: 'k',
  severity: 'error',
  message: 'no cell defines `x`',
  remedy: 'define it',
  step: null,
  name: null,
  cell: 1,
  cell_id: 'a',
  line: null,
  ...more
});

it('groups findings by cell, with remedies that say which they are', () => {
  const fixed: unknown[] = [];
  const fixes = [
    { label: 'tag it shared', action: { type: 'set-role' as const, cell_id: 'a', role: 'shared' } }
  ];
  const notes = notesOfFindings(
    [finding({ fixes }), finding({ cell_id: null }), finding({ severity: 'info' })],
    (one, index) => fixed.push([one.code, index])
  );
  expect([...notes.keys()]).toEqual(['a']);
  expect(notes.get('a')?.map(note => note.kind)).toEqual(['error', 'info']);
  notes.get('a')?.[0].actions[0].run();
  expect(fixed).toEqual([['CM201', 0]]);
  expect(mergeNotes(notes, notes).get('a')).toHaveLength(4);
  expect(byWeight([...(notes.get('a') ?? [])].reverse()).map(note => note.kind)).toEqual([
    'error',
    'info'
  ]);
});

it.each([
  ['no cell defines it', 'No cell defines it.'],
  ['`x` is not defined', '`x` is not defined.'],
  ['%%steep is no magic', '%%steep is no magic.'],
  ['is this right?', 'Is this right?']
])('makes a sentence of %j', (text, whole) => expect(sentence(text)).toBe(whole));

it.each([
  ['%%step a\nx', '%%step b\nx'],
  ['aaa', 'aaaa'],
  ['', 'x'],
  ['same', 'same'],
  ['abab', 'ab']
])('edits %j to %j in one place', (before, after) => {
  const { start, end, text } = changedPart(before, after);
  expect(before.slice(0, start) + text + before.slice(end)).toBe(after);
});

it('compares lists of texts', () => {
  expect(sameTexts(['a'], ['a'])).toBe(true);
  expect(sameTexts(['a'], ['b'])).toBe(false);
  expect(sameTexts([], ['b'])).toBe(false);
});
