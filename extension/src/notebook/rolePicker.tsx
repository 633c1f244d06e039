// The box in which a cell's step or other role is picked or typed, with mouse or keys alone.

import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, checkIcon } from '@jupyterlab/ui-components';
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent, type JSX } from 'react';
import type { IRole } from '../roles';
import { choices, firstChoice, type ChoiceGroup, type IChoice } from './pickerModel';
import { problemText, roleText } from './texts';

export interface IRolePickerProps {
  trans: TranslationBundle;
  steps: readonly string[];
  notebook: string;
  /** The role that all cells have; undefined where they differ. */
  current: IRole | null | undefined;
  /** How many cells get the role. */
  cells: number;
  colourOf: (step: string) => string;
  countOf: (step: string) => number;
  pick: (role: IRole | null) => void;
}

export function RolePicker(props: IRolePickerProps): JSX.Element {
  const { trans, steps, notebook, current } = props;
  const [text, setText] = useState('');
  const lines = useMemo(
    () => choices({ steps, notebook, current, text }),
    [steps, notebook, current, text]
  );
  const [active, setActive] = useState(() => firstChoice(lines, ''));
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus({ preventScroll: true }), []);
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [active, lines]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const to = target(event.key, active, lines.length);
    if (to !== null) {
      setActive(to);
    } else if (event.key === 'Enter' && lines[active]) {
      props.pick(lines[active].role);
    } else {
      return;
    }
    event.preventDefault();
  };

  const title =
    props.cells === 1
      ? trans.__('Step or role of the cell')
      : trans.__('Step or role of %1 cells', props.cells);
  return (
    <div className="cellmill-RolePicker-body">
      <input
        ref={input}
        className="cellmill-RolePicker-input"
        type="text"
        role="combobox"
        spellCheck={false}
        autoComplete="off"
        aria-label={title}
        aria-expanded="true"
        aria-autocomplete="list"
        aria-controls={`${id}-list`}
        aria-activedescendant={lines[active] ? `${id}-${active}` : undefined}
        placeholder={
          props.cells === 1
            ? trans.__('Step’s name, or a role')
            : trans.__('Step’s name, or a role, for %1 cells', props.cells)
        }
        value={text}
        onChange={event => {
          setText(event.target.value);
          setActive(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div
        ref={list}
        id={`${id}-list`}
        className="cellmill-RolePicker-list"
        role="listbox"
        aria-label={title}
      >
        {grouped(lines).map(({ group, from, items }) => (
          <div key={`${group}-${from}`} role="group" aria-label={groupText(group, trans)}>
            <div className="cellmill-RolePicker-group" aria-hidden="true">
              {groupText(group, trans)}
            </div>
            {items.map((choice, index) => (
              <Line
                key={choice.id}
                id={`${id}-${from + index}`}
                choice={choice}
                active={from + index === active}
                props={props}
                onHover={() => setActive(from + index)}
              />
            ))}
          </div>
        ))}
        {!lines.length && (
          <div
            className="cellmill-RolePicker-empty"
            role="option"
            aria-selected="false"
            aria-disabled="true"
          >
            {trans.__('No step can have this name. Use letters, digits and underscores.')}
          </div>
        )}
      </div>
    </div>
  );
}

interface ILineProps {
  id: string;
  choice: IChoice;
  active: boolean;
  props: IRolePickerProps;
  onHover: () => void;
}

function Line({ id, choice, active, props, onHover }: ILineProps): JSX.Element {
  const { trans } = props;
  const step = choice.role?.name ?? '';
  const hint = choice.problem ? problemText(choice.problem, trans) : '';
  const count = choice.group === 'steps' ? props.countOf(step) : 0;
  return (
    <div
      id={id}
      className="cellmill-RolePicker-item"
      role="option"
      aria-selected={active}
      title={step}
      onMouseMove={active ? undefined : onHover}
      // The focus stays in the field, so that keys go on working.
      onMouseDown={event => event.preventDefault()}
      onClick={() => props.pick(choice.role)}
    >
      {choice.group === 'new' ? (
        <addIcon.react tag="span" className="cellmill-RolePicker-icon" width="14px" height="14px" />
      ) : (
        <span
          className="cellmill-RolePicker-dot"
          data-cellmill-role={choice.role?.kind ?? 'none'}
          style={step ? { color: props.colourOf(step) } : undefined}
        />
      )}
      <span className="cellmill-RolePicker-name">
        {choice.group === 'new' ? trans.__('New step %1', step) : roleText(choice.role, trans)}
      </span>
      {hint && <span className="cellmill-RolePicker-hint">{hint}</span>}
      {count > 0 && (
        <span className="cellmill-RolePicker-hint">
          {trans._n('%1 cell', '%1 cells', count, count)}
        </span>
      )}
      {choice.current && (
        <checkIcon.react
          tag="span"
          className="cellmill-RolePicker-check"
          title={trans.__('Current')}
          width="14px"
          height="14px"
        />
      )}
    </div>
  );
}

/** Where a key leads in a list of this length; null for keys that don't move. */
function target(key: string, from: number, length: number): number | null {
  if (!length) {
    return null;
  }
  switch (key) {
    case 'ArrowDown':
      return (from + 1) % length;
    case 'ArrowUp':
      return (from - 1 + length) % length;
    case 'PageDown':
      return Math.min(from + 8, length - 1);
    case 'PageUp':
      return Math.max(from - 8, 0);
    default:
      return null;
  }
}

interface IGroup {
  group: ChoiceGroup;
  from: number;
  items: IChoice[];
}

function grouped(lines: readonly IChoice[]): IGroup[] {
  const groups: IGroup[] = [];
  lines.forEach((choice, index) => {
    const last = groups.at(-1);
    if (last?.group === choice.group) {
      last.items.push(choice);
    } else {
      groups.push({ group: choice.group, from: index, items: [choice] });
    }
  });
  return groups;
}

function groupText(group: ChoiceGroup, trans: TranslationBundle): string {
  switch (group) {
    case 'new':
      return trans.__('New');
    case 'steps':
      return trans.__('Steps');
    case 'others':
      return trans.__('Other roles');
    case 'checks':
      return trans.__('Checks');
  }
}
