// Icons of pipelines and of the states of runs and tasks.

import { LabIcon } from '@jupyterlab/ui-components';

/** An icon of 16 by 16 whose lines take the theme's colour. */
function lines(name: string, body: string): LabIcon {
  return new LabIcon({
    name: `cellmill:${name}`,
    svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">${body}</svg>`
  });
}

const STROKE =
  'class="jp-icon3" fill="none" stroke="#616161" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"';

/** One pipeline: two steps that lead to a third. */
export const pipelineIcon = lines(
  'pipeline',
  `<g class="jp-icon3" fill="#616161"><rect x="1" y="1.5" width="5.5" height="4" rx="1"/><rect x="9.5" y="1.5" width="5.5" height="4" rx="1"/><rect x="5.25" y="10.5" width="5.5" height="4" rx="1"/><path d="M3 5.5h1.5V7h7V5.5H13V7a1.2 1.2 0 0 1-1.2 1.2H8.75v2.3h-1.5V8.2H4.2A1.2 1.2 0 0 1 3 7z"/></g>`
);

/** All pipelines: a stack of them. */
export const pipelinesIcon = lines(
  'pipelines',
  `<g class="jp-icon3" fill="#616161"><rect x="1" y="2" width="4" height="3" rx="1"/><rect x="1" y="6.5" width="4" height="3" rx="1"/><rect x="1" y="11" width="4" height="3" rx="1"/><path d="M6 2.75h2.5v1.5H6zm0 4.5h2.5v1.5H6zm0 4.5h2.5v1.5H6z"/><rect x="9" y="2" width="6" height="3" rx="1"/><rect x="9" y="6.5" width="6" height="3" rx="1"/><rect x="9" y="11" width="6" height="3" rx="1"/></g>`
);

// The states' icons take the colour of the text that they stand in: the state's own.
const STATE = STROKE.replace('class="jp-icon3" ', '').replace('#616161', 'currentColor');

export const waitingIcon = lines('waiting', `<circle ${STATE} cx="8" cy="8" r="5.5"/>`);
export const runningStateIcon = lines(
  'state-running',
  `<circle ${STATE} cx="8" cy="8" r="5.5" opacity="0.25"/><path ${STATE} d="M8 2.5A5.5 5.5 0 0 1 13.5 8"/>`
);
export const doneIcon = lines(
  'done',
  `<path ${STATE.replace('1.5', '2')} d="M3 8.5l3.2 3.2L13 4.8"/>`
);
export const upToDateIcon = lines(
  'up-to-date',
  `<path ${STATE} d="M1.5 8.5l3 3L11 5"/><path ${STATE} d="M7.5 11.5L14.5 5"/>`
);
export const failedIcon = lines(
  'failed',
  `<circle fill="currentColor" cx="8" cy="8" r="6.5"/><path stroke="var(--jp-layout-color1)" stroke-width="1.7" stroke-linecap="round" d="M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8"/>`
);
export const stoppedIcon = lines(
  'stopped',
  `<circle ${STATE} cx="8" cy="8" r="6"/><rect fill="currentColor" x="5.5" y="5.5" width="5" height="5" rx="0.8"/>`
);
export const notRunIcon = lines(
  'not-run',
  `<circle ${STATE} cx="8" cy="8" r="5.5"/><path ${STATE} d="M4.3 11.7l7.4-7.4"/>`
);
export const lostIcon = lines(
  'lost',
  `<circle ${STATE} cx="8" cy="8" r="6"/><path ${STATE} d="M6.2 6.3a1.9 1.9 0 1 1 2.6 2c-.6.3-.8.6-.8 1.2"/><circle fill="currentColor" cx="8" cy="11.6" r="0.9"/>`
);
// A ring of dashes: nobody was there when its time came.
export const missedIcon = lines(
  'missed',
  `<circle ${STATE.replace('1.5', '2.2')} cx="8" cy="8" r="5.3" stroke-dasharray="2.6 5.7"/>`
);
export const warningIcon = lines(
  'warning',
  `<path fill="currentColor" d="M8 1.6c.4 0 .7.2.9.5l6 10.6c.4.7-.1 1.5-.9 1.5H2c-.8 0-1.3-.8-.9-1.5l6-10.6c.2-.3.5-.5.9-.5z"/><path stroke="var(--jp-layout-color1)" stroke-width="1.6" stroke-linecap="round" d="M8 6v3.4M8 11.7v.05"/>`
);
export const noteIcon = lines(
  'note',
  `<circle ${STATE} cx="8" cy="8" r="6"/><path ${STATE} d="M8 7.5v3.5M8 5v.05"/>`
);

export const minusIcon = lines('minus', `<path ${STROKE} d="M3 8h10"/>`);
export const fitIcon = lines(
  'fit',
  `<path ${STROKE} d="M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10"/>`
);
export const promoteIcon = lines(
  'promote',
  `<path ${STROKE} d="M8 10.5V2.5M4.5 6L8 2.5 11.5 6M2.5 10.5v2a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1v-2"/>`
);
/** A clock. */
export const scheduleIcon = lines(
  'schedule',
  `<g class="jp-icon3" fill="#616161"><path fill-rule="evenodd" d="M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2zm0 1.6a5.2 5.2 0 1 1 0 10.4A5.2 5.2 0 0 1 8 2.8z"/><path d="M7.2 4.2h1.6v3.4l2.5 1.5-.8 1.3-3.3-2z"/></g>`
);
export const pauseIcon = lines(
  'pause',
  `<path ${STROKE.replace('1.5', '2')} d="M5.5 3.5v9M10.5 3.5v9"/>`
);
export const resumeIcon = lines(
  'resume',
  `<path ${STROKE} d="M3 3.5v9"/><path ${STROKE} d="M6.5 3.5v9L13 8z"/>`
);
