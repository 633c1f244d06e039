// Files that somebody edited and the notebook changed too: what promotion changes, and both texts side by side.

import { useMemo, useState } from 'react';
import type { IChange, IConflict, IPlannedFile, IPromotionPlan } from '../../api/types';
import { usePanel } from '../context';
import { IRow, LONGEST, compareLines } from '../lines';

/** More changes than this are counted, not listed. */
const MOST_CHANGES = 6;

export function EditedFiles({ plan }: { plan: IPromotionPlan }) {
  const { trans } = usePanel();
  const files = plan.files.filter(one => plan.edited.includes(one.path));
  const [path, setPath] = useState(
    (files.find(one => one.state === 'conflict') ?? files[0])?.path ?? ''
  );
  const file = files.find(one => one.path === path) ?? files[0];
  const conflicts = plan.conflicts.filter(one => one.path === file?.path);
  return (
    <div className="cellmill-Edited">
      <p>
        {plan.conflicts.length
          ? trans.__(
              'Somebody edited %1, and the notebook changed the same lines. Keep the edits there, or overwrite all edits with the notebook; what does not touch is merged.',
              plan.folder
            )
          : trans.__(
              'Somebody edited %1, and the notebook changed other lines of the same files. Both can be merged.',
              plan.folder
            )}
      </p>
      <Changes changes={plan.changes.filter(one => one.about !== 'edit')} />
      {files.length > 1 ? (
        <div className="cellmill-Edited-files" role="tablist" aria-label={trans.__('Edited files')}>
          {files.map(one => (
            <button
              key={one.path}
              type="button"
              role="tab"
              aria-selected={one === file}
              data-state={one.state}
              onClick={() => setPath(one.path)}
            >
              {one.path}
              {one.state === 'conflict' ? <span> {trans.__('conflict')}</span> : null}
            </button>
          ))}
        </div>
      ) : (
        <div className="cellmill-Edited-path">{file?.path}</div>
      )}
      {conflicts.length ? (
        <ul className="cellmill-Edited-conflicts">
          {conflicts.map((one, index) => (
            <li key={index}>{one.message}</li>
          ))}
        </ul>
      ) : null}
      {file ? <Comparison file={file} conflicts={conflicts} /> : null}
    </div>
  );
}

/** What promotion changes, in words. */
function Changes({ changes }: { changes: readonly IChange[] }) {
  const { trans } = usePanel();
  if (!changes.length) {
    return null;
  }
  const rest = changes.length - MOST_CHANGES;
  return (
    <ul className="cellmill-Edited-changes" aria-label={trans.__('What promotion changes')}>
      {changes.slice(0, MOST_CHANGES).map((one, index) => (
        <li key={index} data-about={one.about}>
          {one.text}
        </li>
      ))}
      {rest > 0 ? <li>{trans._n('and %1 more', 'and %1 more', rest)}</li> : null}
    </ul>
  );
}

interface IComparisonProps {
  file: IPlannedFile;
  conflicts: readonly IConflict[];
}

function Comparison({ file, conflicts }: IComparisonProps) {
  const { trans } = usePanel();
  const conflict = file.state === 'conflict';
  const before = file.before ?? '';
  const after = (conflict ? file.after : file.merged) ?? '';
  const long = before.length + after.length > LONGEST;
  const rows = useMemo(() => (long ? [] : compareLines(before, after)), [before, after, long]);
  if (long) {
    return <p>{trans.__('This file is too long to be compared here.')}</p>;
  }
  const disputed = (row: IRow): boolean =>
    conflicts.some(
      one =>
        row.kind !== 'same' &&
        row.before !== null &&
        row.before.line >= (one.first_line ?? 1) &&
        row.before.line <= (one.last_line ?? Infinity)
    );
  return (
    <div className="cellmill-Diff" tabIndex={0}>
      <table>
        <colgroup>
          <col className="cellmill-Diff-number" />
          <col />
          <col className="cellmill-Diff-number" />
          <col />
        </colgroup>
        <thead>
          <tr>
            <th colSpan={2} scope="col">
              {trans.__('As it is, edited')}
            </th>
            <th colSpan={2} scope="col">
              {!conflict
                ? trans.__('Merged')
                : file.after === null
                  ? trans.__('In the notebook: gone')
                  : trans.__('As the notebook has it')}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <Row key={index} row={row} disputed={disputed(row)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ row, disputed }: { row: IRow; disputed: boolean }) {
  const { trans } = usePanel();
  if (row.kind === 'folded') {
    return (
      <tr data-kind="folded">
        <td colSpan={4}>{trans._n('%1 equal line', '%1 equal lines', row.folded)}</td>
      </tr>
    );
  }
  return (
    <tr data-kind={row.kind} data-conflict={disputed || undefined}>
      <td className="cellmill-Diff-number">{row.before?.line}</td>
      <td className="cellmill-Diff-before">{row.before?.text}</td>
      <td className="cellmill-Diff-number">{row.after?.line}</td>
      <td className="cellmill-Diff-after">{row.after?.text}</td>
    </tr>
  );
}
