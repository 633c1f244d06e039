// What is to be said about cells: readiness findings and the kernel's state, in one shape for the marks to show.

import type { IFinding } from '../api/types';
import type { NoteKind } from '../theme/noteIcons';

/** A remedy to click. */
export interface INoteAction {
  label: string;
  run: () => void;
}

export interface INote {
  kind: NoteKind;
  message: string;
  remedy: string;
  /** The rule's number, to look up in the documentation. */
  code: string;
  /** Line in the cell, from 1. */
  line: number | null;
  actions: readonly INoteAction[];
}

const WEIGHT: { readonly [kind in NoteKind]: number } = { error: 0, warning: 1, stale: 2, info: 3 };

/** The heaviest first; otherwise in the order given. */
export function byWeight(notes: readonly INote[]): INote[] {
  return [...notes].sort((one, other) => WEIGHT[one.kind] - WEIGHT[other.kind]);
}

/** Notes by the cell that they are about. */
export type Notes = ReadonlyMap<string, readonly INote[]>;

/** Put several sources of notes together. */
export function mergeNotes(...sources: readonly Notes[]): Map<string, INote[]> {
  const merged = new Map<string, INote[]>();
  for (const source of sources) {
    for (const [cell, notes] of source) {
      merged.set(cell, [...(merged.get(cell) ?? []), ...notes]);
    }
  }
  return merged;
}

/** The findings about cells, with what their buttons do. */
export function notesOfFindings(
  findings: readonly IFinding[],
  fix: (finding: IFinding, index: number) => void
): Map<string, INote[]> {
  const notes = new Map<string, INote[]>();
  for (const finding of findings) {
    if (!finding.cell_id) {
      continue;
    }
    const note: INote = {
      kind: finding.severity,
      message: sentence(finding.message),
      remedy: finding.remedy ? sentence(finding.remedy) : '',
      code: finding.code,
      line: finding.line,
      actions: (finding.fixes ?? []).map((one, index) => ({
        label: sentence(one.label, ''),
        run: () => fix(finding, index)
      }))
    };
    notes.set(finding.cell_id, [...(notes.get(finding.cell_id) ?? []), note]);
  }
  return notes;
}

/** The command line writes lower-case clauses; a page shows sentences. */
export function sentence(text: string, end = '.'): string {
  const trimmed = text.trim();
  // Names and code at the start keep their case: `x is ...`, %%step.
  const first = /^[a-z]+(?= )/.test(trimmed)
    ? trimmed[0].toUpperCase() + trimmed.slice(1)
    : trimmed;
  return /[.!?]$/.test(first) ? first : first + end;
}
