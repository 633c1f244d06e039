// Spans of time and causes in words.

import type { TranslationBundle } from '@jupyterlab/translation';
import type { ITick } from '../api/types';

/** How long it is until something, such as `in 3 h 20 min`. */
export function untilWords(seconds: number, trans: TranslationBundle): string {
  const whole = Math.round(seconds);
  if (whole <= 0) {
    return trans.__('now');
  }
  if (whole < 60) {
    return trans.__('in %1 s', whole);
  }
  const minutes = Math.round(whole / 60);
  if (minutes < 60) {
    return trans.__('in %1 min', minutes);
  }
  const hours = Math.floor(minutes / 60);
  if (hours < 24) {
    return minutes % 60
      ? trans.__('in %1 h %2 min', hours, minutes % 60)
      : trans.__('in %1 h', hours);
  }
  return trans._n('in %1 day', 'in %1 days', Math.round(hours / 24));
}

/** Why a run was due. */
export function causeWords(tick: ITick, trans: TranslationBundle): string {
  switch (tick.cause) {
    case 'time':
      return trans.__('its time came');
    case 'file':
      return tick.file ? trans.__('the file %1 came', tick.file) : trans.__('a file came');
    case 'after':
      return trans.__('another pipeline succeeded');
    case 'hand':
      return trans.__('asked for by hand');
  }
}
