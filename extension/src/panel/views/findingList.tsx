// Findings in a dialog: going to a cell closes it.

import type { IFinding } from '../../api/types';
import { FindingItem } from './readiness';

export function FindingList({
  findings,
  onGo
}: {
  findings: readonly IFinding[];
  onGo: () => void;
}) {
  return (
    <ul className="cellmill-Findings-list">
      {findings.map((finding, index) => (
        <FindingItem key={index} finding={finding} onGo={onGo} />
      ))}
    </ul>
  );
}
