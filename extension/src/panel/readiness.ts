// Findings in the order in which a person wants to read them.

import type { IFinding, Severity } from '../api/types';

export const SEVERITIES: readonly Severity[] = ['error', 'warning', 'info'];

export interface IFindingGroup {
  severity: Severity;
  findings: readonly IFinding[];
}

/** Findings by severity, the gravest first, in notebook order; empty groups are left out. */
export function groupFindings(findings: readonly IFinding[]): readonly IFindingGroup[] {
  return SEVERITIES.map(severity => ({
    severity,
    findings: findings
      .filter(one => one.severity === severity)
      .sort((a, b) => (a.cell ?? 0) - (b.cell ?? 0) || (a.line ?? 0) - (b.line ?? 0))
  })).filter(group => group.findings.length > 0);
}

/** Findings that say the same of several places are put together, where the first of them stands. */
export function putTogether(findings: readonly IFinding[]): readonly (readonly IFinding[])[] {
  const found = new Map<string, IFinding[]>();
  for (const one of findings) {
    // A fix is for its own cell only, so what has one stays alone.
    const alone = one.fixes?.length ? [one.cell_id, one.line, one.name] : [];
    const key = JSON.stringify([one.code, one.severity, one.message, one.remedy, ...alone]);
    const same = found.get(key);
    if (same) {
      same.push(one);
    } else {
      found.set(key, [one]);
    }
  }
  return [...found.values()];
}

/** How many findings there are of each severity. */
export function countFindings(findings: readonly IFinding[]): {
  readonly [severity in Severity]: number;
} {
  const counts = { error: 0, warning: 0, info: 0 };
  findings.forEach(one => (counts[one.severity] += 1));
  return counts;
}

/** A finding's identity: it stays while other findings come and go. */
export function findingKey(finding: IFinding, index: number): string {
  return [finding.code, finding.cell_id, finding.line, finding.name, index].join(' ');
}
