// One step in the graph: its colour and name, how many cells, how long, and how it stands in the run that is shown.

import type { TranslationBundle } from '@jupyterlab/translation';
import { Handle, Position, useReactFlow, type Node, type NodeProps } from '@xyflow/react';
import { memo } from 'react';
import type { IStep, ITask } from '../../api/types';
import { usePanel } from '../context';
import { duration } from '../format';
import { cellWords, SeverityMark, StateMark, stateWord } from './marks';

export interface IStepNodeData {
  step: IStep;
  colour: string;
  task: ITask | null;
  seconds: number | null;
  error: boolean;
  goTo: (step: IStep) => void;
  onLight: (name: string | null) => void;
  [key: string]: unknown;
}

export type StepNodeType = Node<IStepNodeData, 'step'>;

export const StepNode = memo(function StepNode({ data }: NodeProps<StepNodeType>) {
  const { trans } = usePanel();
  const flow = useReactFlow();
  const { step, colour, task, seconds, error } = data;
  const facts = factsOf(step, task, seconds, trans);
  const state = task && task.state !== 'waiting' ? task.state : null;
  const progress =
    task?.state === 'running' && task.cells ? Math.max(0, task.cell - 1) / task.cells : null;
  const errorWord = error ? trans.__('has a readiness error') : '';
  return (
    <>
      <Handle type="target" position={Position.Top} isConnectable={false} />
      <button
        type="button"
        className="cellmill-Step nopan"
        data-state={task?.state ?? 'none'}
        style={{ '--cellmill-colour': colour } as React.CSSProperties}
        aria-label={[
          step.name,
          task?.state === 'done' ? stateWord('done', trans) : '',
          facts,
          errorWord
        ]
          .filter(Boolean)
          .join(', ')}
        title={step.name}
        onClick={() => data.goTo(step)}
        onFocus={event => {
          data.onLight(step.name);
          if (event.target.matches(':focus-visible')) {
            reveal(flow, event.target);
          }
        }}
        onBlur={() => data.onLight(null)}
        onMouseEnter={() => data.onLight(step.name)}
        onMouseLeave={() => data.onLight(null)}
      >
        <span className="cellmill-Step-name">{step.name}</span>
        <span className="cellmill-Step-facts">{facts}</span>
        {state ? <StateMark state={state} /> : error ? <SeverityMark severity="error" /> : null}
        {progress !== null ? (
          <span className="cellmill-Step-bar" style={{ transform: `scaleX(${progress})` }} />
        ) : null}
      </button>
      <Handle type="source" position={Position.Bottom} isConnectable={false} />
    </>
  );
});

function factsOf(
  step: IStep,
  task: ITask | null,
  seconds: number | null,
  trans: TranslationBundle
): string {
  if (task?.state === 'running') {
    return task.cells ? cellWords(task, trans) : trans.__('starting');
  }
  const cells = trans._n('%1 cell', '%1 cells', step.cells.length + step.checks.length);
  if (task?.state === 'up-to-date') {
    return stateWord(task.state, trans);
  }
  if (task && task.state !== 'done') {
    return `${stateWord(task.state, trans)} · ${cells}`;
  }
  const time = task?.seconds ?? seconds;
  return time === null ? cells : `${cells} · ${duration(time)}`;
}

/** Bring a step that got the focus by key into sight. */
function reveal(flow: ReturnType<typeof useReactFlow>, node: HTMLElement): void {
  const frame = node.closest('.cellmill-Graph');
  if (!frame) {
    return;
  }
  const [box, at] = [frame.getBoundingClientRect(), node.getBoundingClientRect()];
  const { x, y, zoom } = flow.getViewport();
  const down = at.top < box.top ? box.top - at.top + 12 : Math.min(0, box.bottom - at.bottom - 12);
  const right =
    at.left < box.left ? box.left - at.left + 12 : Math.min(0, box.right - at.right - 12);
  if (down || right) {
    void flow.setViewport({ x: x + right, y: y + down, zoom });
  }
}
