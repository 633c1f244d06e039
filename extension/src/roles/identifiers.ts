// Names that people type turned into step names; the same rules as cellmill.notebook.identifiers and .names.

const LONGEST = 40;

const KEYWORDS = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from ' +
    'global if import in is lambda nonlocal not or pass raise return try while with yield'
  ).split(' ')
);

// Files and names that a pipeline folder has already, and what no file on Windows may be named.
const RESERVED = new Set(['parameters', 'reference', 'upstream', 'product', 'conftest']);
const DEVICES = /^(con|prn|aux|nul|com[1-9]|lpt[1-9])$/;

/** Python's `str.isidentifier`. */
export function isIdentifier(text: string): boolean {
  return /^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(text);
}

/** What a step name may not be, and what to write instead. */
export interface INameProblem {
  kind: 'empty' | 'keyword' | 'not-identifier' | 'reserved' | 'device' | 'case';
  instead: string;
}

/**
 * What keeps a name from being a step's in a notebook with these steps, or null.
 *
 * @param notebook - The notebook's name without its ending; some names collide with its own modules.
 */
export function nameProblem(
  name: string,
  steps: Iterable<string> = [],
  notebook = ''
): INameProblem | null {
  if (!name) {
    return { kind: 'empty', instead: 'load' };
  }
  if (KEYWORDS.has(name) || !isIdentifier(name)) {
    const kind = KEYWORDS.has(name) ? 'keyword' : 'not-identifier';
    return { kind, instead: toIdentifier(name) || 'load' };
  }
  const folded = foldCase(name);
  for (const step of steps) {
    if (step !== name && foldCase(step) === folded) {
      return { kind: 'case', instead: step };
    }
  }
  const own = ['_handover', '_shared'].map(end => foldCase(notebook + end));
  if (RESERVED.has(folded) || own.includes(folded)) {
    return { kind: 'reserved', instead: `${name}_step` };
  }
  return DEVICES.test(folded) ? { kind: 'device', instead: `${name}_step` } : null;
}

/** A lower-case Python identifier made of a text; empty where nothing can be made of it. */
export function toIdentifier(text: string): string {
  // Latin letters that do not decompose into a base letter and a mark.
  const letters = text
    .replace(/ß/g, 'ss')
    .replace(/[øØ]/g, 'o')
    .replace(/ł/g, 'l')
    .replace(/Ł/g, 'L');
  const plain = Array.from(letters.normalize('NFC'), plainLetter).join('');
  const words =
    plain
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}_]+/gu) ?? [];
  const kept = words.map(word => Array.from(word, c => (isIdentifier('_' + c) ? c : '')).join(''));
  let name = kept
    .join('_')
    .replace(/__+/g, '_')
    .replace(/^_+|_+$/g, '');
  name = /^[\p{Nd}_]*[\p{L}\p{Nl}\p{No}]/u.test(name) ? name.replace(/^[\p{Nd}_]+/u, '') : '';
  name = shortened(name);
  return KEYWORDS.has(name) ? name + '_' : name;
}

/** Two names that are one file on machines that do not tell capitals apart. */
export function foldCase(name: string): string {
  return name.normalize('NFKC').toUpperCase().toLowerCase().replace(/ς/g, 'σ');
}

function plainLetter(letter: string): string {
  const base = Array.from(letter.normalize('NFD'))[0];
  return base.charCodeAt(0) < 128 ? base : letter;
}

function shortened(name: string): string {
  const letters = Array.from(name);
  if (letters.length <= LONGEST) {
    return name;
  }
  const start = letters.slice(0, LONGEST + 1).join('');
  const cut = start.lastIndexOf('_');
  return cut > 0 ? start.slice(0, cut) : letters.slice(0, LONGEST).join('');
}
