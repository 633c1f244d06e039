// cellmill's magic lines read and edited in place; the same rules as cellmill.notebook.magic_lines.

import type { RoleKind } from '../api/types';
import { isIdentifier } from './identifiers';
import { sameRole, type IRole } from './tags';
import { splitWords, type IWord } from './words';

const KINDS: readonly string[] = ['parameters', 'step', 'shared', 'check', 'skip'];
const STEP_OPTIONS: readonly string[] = [
  '--after',
  '--outputs',
  '--keeps',
  '--retries',
  '--timeout'
];

const LINE = /^(\s*%%)(?![\p{L}\p{N}_]+\?)([\p{L}\p{N}_]+)([^\n]*)$/u;

/** A magic line of ours: `%%name arguments` on line `line` (from 0) of its cell. */
export interface IMagicLine {
  readonly kind: RoleKind;
  readonly before: string;
  readonly arguments: string;
  readonly line: number;
}

/**
 * cellmill's magic lines at a cell's top; more than one is the author's mistake.
 *
 * Reads no further than the first line of code: this runs at each keystroke.
 */
export function magicLines(source: string): readonly IMagicLine[] {
  const found: IMagicLine[] = [];
  let start = 0;
  for (let line = 0; start <= source.length; line++) {
    const end = source.indexOf('\n', start);
    const text = end < 0 ? source.slice(start) : source.slice(start, end);
    if (text.trim()) {
      const match = LINE.exec(text);
      if (!match || !KINDS.includes(match[2])) {
        break;
      }
      found.push({ kind: match[2] as RoleKind, before: match[1], arguments: match[3], line });
    }
    if (end < 0) {
      break;
    }
    start = end + 1;
  }
  return found;
}

/** The role that a magic line gives; null for one that can't be read. */
export function roleOfMagicLine(magic: IMagicLine): IRole | null {
  if (magic.arguments && !/^\s/.test(magic.arguments)) {
    return null;
  }
  const words = splitWords(magic.arguments)?.words;
  if (!words) {
    return null;
  }
  if (magic.kind === 'step') {
    const parts = stepArguments(words);
    return parts.valid && parts.names.length === 1
      ? { kind: 'step', name: parts.names[0].value }
      : null;
  }
  if (words.some(word => word.value.startsWith('-'))) {
    return null;
  }
  if (magic.kind === 'check') {
    return words.length === 1 ? { kind: 'check', name: words[0].value } : null;
  }
  return words.length ? null : { kind: magic.kind, name: null };
}

/** A cell's source with its magic line saying another role; with null, without cellmill's magic lines. */
export function sourceWithRole(source: string, role: IRole | null): string {
  const [first, ...others] = magicLines(source);
  if (!first) {
    return source;
  }
  const lines = source.split('\n');
  const dropped = new Set(others.map(magic => magic.line));
  if (!role) {
    dropped.add(first.line);
  } else if (!sameRole(roleOfMagicLine(first), role)) {
    const ending = lines[first.line].endsWith('\r') ? '\r' : '';
    lines[first.line] = `${first.before}${role.kind}${argumentsFor(first, role)}${ending}`;
  }
  return lines.filter((_, index) => !dropped.has(index)).join('\n');
}

/** The arguments for a role: a step's options stay if it stays a step and they can be read; a comment always does. */
function argumentsFor(magic: IMagicLine, role: IRole): string {
  const text = magic.arguments.replace(/\r$/, '');
  const split = /^\s/.test(text) ? splitWords(text) : null;
  const comment = split && split.comment < text.length ? `  ${text.slice(split.comment)}` : '';
  const name = role.name ? ` ${role.name}` : '';
  if (!split || magic.kind !== 'step' || role.kind !== 'step') {
    return name + comment;
  }
  const parts = stepArguments(split.words);
  if (!parts.valid) {
    return name + comment;
  }
  const [first, ...others] = parts.names;
  let edited = text;
  for (const extra of others.reverse()) {
    edited = edited.slice(0, extra.start).trimEnd() + edited.slice(extra.end);
  }
  return first ? edited.slice(0, first.start) + role.name + edited.slice(first.end) : name + edited;
}

interface IStepArguments {
  names: IWord[];
  /** Whether the options are as they must be. */
  valid: boolean;
}

function stepArguments(words: readonly IWord[]): IStepArguments {
  const names: IWord[] = [];
  const given = new Map<string, string[]>();
  let valid = true;
  for (let at = 0; at < words.length; at++) {
    const word = words[at].value;
    if (!word.startsWith('-')) {
      names.push(words[at]);
      continue;
    }
    const equals = word.indexOf('=');
    const option = equals < 0 ? word : word.slice(0, equals);
    if (!STEP_OPTIONS.includes(option)) {
      valid = false;
      continue;
    }
    const value = equals < 0 ? (words[++at]?.value ?? '') : word.slice(equals + 1);
    valid &&= value !== '' && !value.startsWith('--');
    given.set(option, [...(given.get(option) ?? []), value]);
  }
  return { names, valid: valid && areValid(given) };
}

function areValid(given: Map<string, string[]>): boolean {
  const listed = ['--after', '--outputs', '--keeps'].flatMap(option => given.get(option) ?? []);
  const items = listed.flatMap(value => value.split(',')).map(item => item.trim());
  const retries = given.get('--retries') ?? [];
  const timeout = given.get('--timeout') ?? [];
  return (
    items.every(item => !item || isIdentifier(item)) &&
    retries.length < 2 &&
    retries.every(value => /^[0-9]+$/.test(value)) &&
    timeout.length < 2 &&
    timeout.every(value => /^[0-9]+(\.[0-9]+)?$/.test(value) && Number(value) > 0)
  );
}
