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
