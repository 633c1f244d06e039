// Files that somebody edited in the pipeline's folder: as they are, beside what promotion would write.

import { useMemo, useState } from 'react';
import type { IPlannedFile } from '../../api/types';
import { usePanel } from '../context';
import { IRow, LONGEST, compareLines } from '../lines';

interface IEditedFilesProps {
  folder: string;
  files: readonly IPlannedFile[];
}

export function EditedFiles({ folder, files }: IEditedFilesProps) {
  const { trans } = usePanel();
  const [path, setPath] = useState(files[0]?.path ?? '');
  const file = files.find(one => one.path === path) ?? files[0];
  return (
    <div className="cellmill-Edited">
      <p>
        {trans.__(
          'Somebody changed these files in %1. Promotion would replace them; bring the edits into the notebook first, or keep them.',
          folder
        )}
      </p>
      {files.length > 1 ? (
        <div className="cellmill-Edited-files" role="tablist" aria-label={trans.__('Edited files')}>
          {files.map(one => (
            <button
              key={one.path}
              type="button"
              role="tab"
              aria-selected={one === file}
              onClick={() => setPath(one.path)}
            >
              {one.path}
            </button>
          ))}
        </div>
      ) : (
        <div className="cellmill-Edited-path">{file?.path}</div>
      )}
      {file ? <Comparison file={file} /> : null}
    </div>
  );
}

function Comparison({ file }: { file: IPlannedFile }) {
  const { trans } = usePanel();
  const before = file.before ?? '';
  const after = file.after ?? '';
  const long = before.length + after.length > LONGEST;
  const rows = useMemo(() => (long ? [] : compareLines(before, after)), [before, after, long]);
  if (long) {
    return <p>{trans.__('This file is too long to be compared here.')}</p>;
  }
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
              {file.after === null
                ? trans.__('After promotion: removed')
                : trans.__('After promotion')}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <Row key={index} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ row }: { row: IRow }) {
  const { trans } = usePanel();
  if (row.kind === 'folded') {
    return (
      <tr data-kind="folded">
        <td colSpan={4}>{trans._n('%1 equal line', '%1 equal lines', row.folded)}</td>
      </tr>
    );
  }
  return (
    <tr data-kind={row.kind}>
      <td className="cellmill-Diff-number">{row.before?.line}</td>
      <td className="cellmill-Diff-before">{row.before?.text}</td>
      <td className="cellmill-Diff-number">{row.after?.line}</td>
      <td className="cellmill-Diff-after">{row.after?.text}</td>
    </tr>
  );
}
