// Icons of notes on cells: what is wrong, what is out of date.

import { historyIcon, infoIcon, LabIcon } from '@jupyterlab/ui-components';
import type { Severity } from '../api/types';

export const errorIcon = new LabIcon({
  name: 'cellmill:error',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <path class="jp-icon3 jp-icon-selectable" fill="#616161" d="M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm1.2 15h-2.4v-2.4h2.4V17zm0-4.4h-2.4V7h2.4v5.6z"/>
</svg>`
});

export const warningIcon = new LabIcon({
  name: 'cellmill:warning',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <path class="jp-icon3 jp-icon-selectable" fill="#616161" d="M12 2 1 21h22L12 2zm1 16h-2v-2h2v2zm0-4h-2v-4h2v4z"/>
</svg>`
});

/** How much a note on a cell weighs; `stale` is about the kernel's state, not about promotion. */
export type NoteKind = Severity | 'stale';

export const NOTE_ICONS: { readonly [kind in NoteKind]: LabIcon } = {
  error: errorIcon,
  warning: warningIcon,
  info: infoIcon,
  stale: historyIcon
};
