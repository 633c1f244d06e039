// What stands between the notebook and its promotion, the gravest first, each with its place and remedies.

import type { TranslationBundle } from '@jupyterlab/translation';
import { memo } from 'react';
import type { IFinding, Severity } from '../../api/types';
import { usePanel } from '../context';
import { countFindings, findingKey, groupFindings, putTogether } from '../readiness';
import { SeverityMark } from './marks';
import { Prose } from './prose';
import { Section } from './section';

/** So many findings of one severity are shown at once. */
const MANY = 50;

const NONE: readonly IFinding[] = [];

export const Readiness = memo(function Readiness({
  findings,
  ignored = NONE
}: {
  findings: readonly IFinding[];
  ignored?: readonly IFinding[];
}) {
  const { trans } = usePanel();
  const groups = groupFindings(findings);
  const counts = countFindings(findings);
  return (
    <Section
      name="readiness"
      title={trans.__('Readiness')}
      open={counts.error > 0}
      summary={<Counts counts={counts} />}
    >
      {groups.length ? (
        groups.map(group => (
          <div key={group.severity} className="cellmill-Findings">
            <h4>{severityWord(group.severity, group.findings.length, trans)}</h4>
            <ul>
              {putTogether(group.findings.slice(0, MANY)).map(([finding, ...others], index) => (
                <FindingItem key={findingKey(finding, index)} finding={finding} others={others} />
              ))}
            </ul>
            {group.findings.length > MANY ? (
              <p className="cellmill-Muted">
                {trans.__('… and %1 more', group.findings.length - MANY)}
              </p>
            ) : null}
          </div>
        ))
      ) : (
        <p className="cellmill-Muted">{trans.__('Nothing stands in the way.')}</p>
      )}
      {ignored.length ? (
        <p className="cellmill-Muted cellmill-Ignored" title={ignored.map(reasonOf).join('\n')}>
          {trans._n('%1 ignored', '%1 ignored', ignored.length)}
        </p>
      ) : null}
    </Section>
  );
});

/** What is ignored and why, on one line. */
function reasonOf(finding: IFinding): string {
  return [finding.code, finding.message, finding.reason].filter(Boolean).join(' · ');
}

function Counts({ counts }: { counts: { readonly [severity in Severity]: number } }) {
  const { trans } = usePanel();
  if (!counts.error && !counts.warning && !counts.info) {
    return <span>{trans.__('nothing to do')}</span>;
  }
  return (
    <>
      {(['error', 'warning', 'info'] as const)
        .filter(severity => counts[severity])
        .map(severity => (
          <span
            key={severity}
            className="cellmill-Count"
            title={severityWord(severity, counts[severity], trans)}
          >
            <SeverityMark severity={severity} />
            {counts[severity]}
            <span className="cellmill-Hidden">
              {severityWord(severity, counts[severity], trans)}
            </span>
          </span>
        ))}
    </>
  );
}

function severityWord(severity: Severity, count: number, trans: TranslationBundle): string {
  switch (severity) {
    case 'error':
      return trans._n('%1 error', '%1 errors', count);
    case 'warning':
      return trans._n('%1 warning', '%1 warnings', count);
    case 'info':
      return trans._n('%1 note', '%1 notes', count);
  }
}

/** One finding; in the panel its place leads to the cell, in a dialog `onGo` closes that first. */
export function FindingItem({
  finding,
  others = NONE,
  onGo
}: {
  finding: IFinding;
  /** The same, at other places. */
  others?: readonly IFinding[];
  onGo?: () => void;
}) {
  const { actions } = usePanel();
  return (
    <li className="cellmill-Finding" data-severity={finding.severity}>
      <SeverityMark severity={finding.severity} />
      <div className="cellmill-Finding-text">
        <div className="cellmill-Finding-place">
          {[finding, ...others].map((one, index) => (
            <Place key={index} finding={one} onGo={onGo} />
          ))}
          <span className="cellmill-Code" title={finding.why ?? undefined}>
            {finding.code}
          </span>
        </div>
        <div>
          <Prose text={full(finding.message)} />
        </div>
        {finding.remedy ? (
          <div className="cellmill-Finding-remedy">
            <Prose text={full(finding.remedy)} />
          </div>
        ) : null}
        {finding.fixes?.length ? (
          <div className="cellmill-Finding-fixes">
            {finding.fixes.map(fix => (
              <button
                key={fix.label}
                type="button"
                className="cellmill-SmallButton"
                onClick={() => {
                  onGo?.();
                  actions.applyFix(fix);
                }}
              >
                {fix.label}
              </button>
            ))}
          </div>
        ) : null}
      </div>
    </li>
  );
}

/** Where a finding is, as a way to it; nothing if it is about the whole notebook. */
function Place({ finding, onGo }: { finding: IFinding; onGo?: () => void }) {
  const { trans, actions, model } = usePanel();
  const { cell, cell_id, line } = finding;
  if (!cell_id) {
    return null;
  }
  const place =
    cell === null
      ? trans.__('Show the cell')
      : line === null
        ? trans.__('cell %1', cell)
        : trans.__('cell %1, line %2', cell, line);
  const go = (): void => {
    onGo?.();
    actions.goToCell({ path: model.state.path, cell_id, cell, line });
  };
  return (
    <button type="button" className="cellmill-Link" onClick={go}>
      {place}
    </button>
  );
}

/** Findings come without a capital and a full stop. */
function full(text: string): string {
  const capital = /^[a-z]/.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
