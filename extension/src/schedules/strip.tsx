// What became of a schedule's times, as a strip of marks: colour and shape say the state, the tooltip the rest.

import { KeyboardEvent, useRef } from 'react';
import type { ISchedule, ITick } from '../api/types';
import { usePanel } from '../panel/context';
import { when } from '../panel/format';
import { StateMark, stateWord } from '../panel/views/marks';
import type { SchedulesModel } from './model';

interface IStripProps {
  schedule: ISchedule;
  history: readonly ITick[] | undefined;
  chosen: number | null;
  model: SchedulesModel;
}

/** So many marks stand in one line; the server tells of one more, if there are more. */
const SHOWN = 12;

/** The latest one stands at the right end; the arrow keys go through them. */
export function Strip({ schedule, history, chosen, model }: IStripProps) {
  const { trans } = usePanel();
  const list = useRef<HTMLDivElement>(null);
  const more = schedule.ticks.length > SHOWN;
  const ticks = history
    ? [...history].reverse()
    : schedule.ticks.slice(0, more ? SHOWN - 1 : SHOWN).reverse();
  if (!ticks.length) {
    return <p className="cellmill-Strip cellmill-Muted">{trans.__('Nothing was due yet.')}</p>;
  }
  const go = (event: KeyboardEvent): void => {
    const marks = Array.from(list.current?.querySelectorAll('button') ?? []);
    const at = marks.findIndex(one => one === document.activeElement);
    const to = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      Home: 0,
      End: marks.length - 1
    }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      marks[Math.max(0, Math.min(marks.length - 1, to))]?.focus();
    }
  };
  const first = ticks.some(one => one.id === chosen) ? chosen : ticks[ticks.length - 1].id;
  return (
    <div
      ref={list}
      className="cellmill-Strip"
      role="group"
      aria-label={trans.__('Past runs of %1, the latest last', schedule.label)}
      onKeyDown={go}
    >
      {more ? (
        <button
          type="button"
          className="cellmill-Tick cellmill-Strip-more"
          aria-expanded={!!history}
          title={history ? trans.__('Show the latest runs only') : trans.__('Show earlier runs')}
          aria-label={
            history
              ? trans.__('Show the latest runs of %1 only', schedule.label)
              : trans.__('Show earlier runs of %1', schedule.label)
          }
          onClick={() => void model.toggleHistory(schedule)}
        >
          {history ? '×' : '…'}
        </button>
      ) : null}
      {ticks.map(tick => (
        <button
          key={tick.id}
          type="button"
          className="cellmill-Tick"
          data-state={tick.state}
          aria-pressed={tick.id === chosen}
          tabIndex={tick.id === first ? 0 : -1}
          title={tip(tick)}
          aria-label={tip(tick)}
          onClick={() => model.choose(schedule.id, tick.id, tick.run_id)}
        >
          <StateMark state={tick.state} />
        </button>
      ))}
    </div>
  );

  function tip(tick: ITick): string {
    const words = [
      tick.count > 1
        ? trans.__('%1, %2 times', stateWord(tick.state, trans), tick.count)
        : stateWord(tick.state, trans),
      tick.until
        ? trans.__('due %1 to %2', tick.due_words, tick.until)
        : trans.__('due %1', tick.due_words)
    ];
    if (tick.started !== null) {
      words.push(trans.__('started %1', when(tick.started)));
    }
    if (tick.reason) {
      words.push(tick.reason);
    }
    return words.join('\n');
  }
}
