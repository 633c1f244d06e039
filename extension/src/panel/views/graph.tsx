// The graph of steps: laid out once for each structure, drawn again only where something changed.

import {
  ReactFlow,
  ReactFlowProvider,
  MarkerType,
  Position,
  useReactFlow,
  type Edge,
  type Node,
  type NodeHandle,
  type Viewport
} from '@xyflow/react';
import { memo, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { IEdge, IStep, ITask } from '../../api/types';
import { stepColours } from '../../theme/colours';
import { ILayout, LayoutMemo, NODE_HEIGHT } from '../layout';
import { usePanel } from '../context';
import { EdgeTip, IEdgeTip } from './edgeTip';
import { GraphTools } from './graphTools';
import { StepNode, StepNodeType } from './stepNode';
import { VariablesEdge, VariablesEdgeType } from './variablesEdge';

const NODE_TYPES = { step: StepNode };
const EDGE_TYPES = { variables: VariablesEdge };
/** From so many steps on, only what is seen is in the page. */
const MANY = 40;
/** Below the first, names are not read any more; up to the second, they are without effort. */
const SMALLEST = 0.55;
const READABLE = 0.85;
const MEMO = new LayoutMemo();

const END = {
  type: MarkerType.ArrowClosed,
  width: 14,
  height: 14,
  color: 'var(--jp-border-color0)'
};

/** Where lines begin and end, told so that nothing has to be measured. */
function handlesOf(width: number): NodeHandle[] {
  const at = { x: width / 2, width: 1, height: 1 };
  return [
    { type: 'target', position: Position.Top, y: 0, ...at },
    { type: 'source', position: Position.Bottom, y: NODE_HEIGHT, ...at }
  ];
}

export interface IGraphProps {
  steps: readonly IStep[];
  edges: readonly IEdge[];
  tasks: readonly ITask[];
  /** How long each step took when it last ran. */
  seconds: ReadonlyMap<string, number>;
  /** Steps with an error of readiness. */
  errors: ReadonlySet<string>;
}

export const Graph = memo(function Graph(props: IGraphProps) {
  return (
    <ReactFlowProvider>
      <GraphView {...props} />
    </ReactFlowProvider>
  );
});

function GraphView({ steps, edges, tasks, seconds, errors }: IGraphProps) {
  const { trans } = usePanel();
  const [tip, setTip] = useState<IEdgeTip | null>(null);
  const [lit, setLit] = useState<string | null>(null);
  const layout = useMemo(
    () =>
      MEMO.get(
        steps.map(one => one.name),
        edges,
        trans.__('order')
      ),
    [steps, edges, trans]
  );
  const nodes = useNodes(layout, steps, tasks, seconds, errors, setLit);
  const lines = useMemo(() => linesOf(layout, lit, setTip), [layout, lit]);
  const frame = useRef<HTMLDivElement>(null);
  useView(frame, layout, tasks);
  return (
    <div
      ref={frame}
      className="cellmill-Graph"
      style={{ height: Math.min(460, Math.max(120, layout.height + 8)) }}
      role="group"
      aria-label={trans.__('Pipeline graph')}
    >
      <ReactFlow
        nodes={nodes}
        edges={lines}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        selectNodesOnDrag={false}
        zoomOnScroll={false}
        zoomOnDoubleClick={false}
        preventScrolling={false}
        onlyRenderVisibleElements={steps.length > MANY}
        minZoom={0.1}
        maxZoom={2}
        disableKeyboardA11y
        attributionPosition="bottom-left"
      />
      <GraphTools layout={layout} frame={frame} />
      {tip ? <EdgeTip tip={tip} /> : null}
    </div>
  );
}

/** Nodes by the layout; one whose step, task and place stay the same stays the same object. */
function useNodes(
  layout: ILayout,
  steps: readonly IStep[],
  tasks: readonly ITask[],
  seconds: ReadonlyMap<string, number>,
  errors: ReadonlySet<string>,
  onLight: (name: string | null) => void
): StepNodeType[] {
  const { actions, model } = usePanel();
  const goTo = useCallback(
    (step: IStep) => actions.goToCell({ path: model.state.path, cell_id: step.cells[0] }),
    [actions, model]
  );
  return useMemo(() => {
    const colours = stepColours(steps.map(one => one.name));
    const { nodeWidth } = layout;
    const handles = handlesOf(nodeWidth);
    const byName = new Map(tasks.map(one => [one.name, one]));
    return steps.map(step => ({
      id: step.name,
      type: 'step' as const,
      position: layout.nodes.get(step.name) ?? { x: 0, y: 0 },
      width: nodeWidth,
      height: NODE_HEIGHT,
      measured: { width: nodeWidth, height: NODE_HEIGHT },
      handles,
      data: {
        step,
        colour: colours.get(step.name) ?? 'var(--cm-step-0)',
        task: byName.get(step.name) ?? null,
        seconds: seconds.get(step.name) ?? null,
        error: errors.has(step.name),
        goTo,
        onLight
      }
    }));
  }, [layout, steps, tasks, seconds, errors, goTo, onLight]);
}

function linesOf(
  layout: ILayout,
  lit: string | null,
  onTip: (tip: IEdgeTip | null) => void
): VariablesEdgeType[] {
  return layout.edges.map(placed => ({
    id: placed.id,
    type: 'variables' as const,
    source: placed.edge.provider,
    target: placed.edge.consumer,
    markerEnd: END,
    data: {
      placed,
      lit: lit !== null && (placed.edge.provider === lit || placed.edge.consumer === lit),
      onTip
    }
  }));
}

/** The view in which all is seen, or, where that would be too small to read, its upper part. */
export function homeView(
  layout: Pick<ILayout, 'width' | 'height'>,
  width: number,
  height: number
): Viewport {
  const all = Math.min(1, width / layout.width, height / layout.height);
  const zoom = Math.max(all, Math.min(READABLE, Math.max(SMALLEST, width / layout.width)));
  const fits = layout.width * zoom <= width;
  return {
    zoom,
    x: fits ? (width - layout.width * zoom) / 2 : 0,
    y: layout.height * zoom <= height ? (height - layout.height * zoom) / 2 : 0
  };
}

/** Show a new structure from its top, and keep the step that runs in sight. */
function useView(
  frame: React.RefObject<HTMLDivElement>,
  layout: ILayout,
  tasks: readonly ITask[]
): void {
  const flow = useReactFlow<Node, Edge>();
  // Another variable on an edge is no reason to take the user's view away; another step is.
  const { width, height } = layout;
  const steps = [...layout.nodes.keys()].join('\n');
  useEffect(() => {
    const box = frame.current;
    if (!box) {
      return;
    }
    const show = (): void => {
      if (box.clientWidth && box.clientHeight) {
        void flow.setViewport(homeView({ width, height }, box.clientWidth, box.clientHeight));
      }
    };
    show();
    const observer = new ResizeObserver(show);
    observer.observe(box);
    return () => observer.disconnect();
  }, [flow, frame, steps, width, height]);

  const current = tasks.find(one => one.state === 'running' || one.state === 'failed')?.name;
  useEffect(() => {
    const box = frame.current;
    const at = current === undefined ? undefined : layout.nodes.get(current);
    if (!box || !at) {
      return;
    }
    const { x, y, zoom } = flow.getViewport();
    const top = at.y * zoom + y;
    if (top < 0 || top + NODE_HEIGHT * zoom > box.clientHeight) {
      const middle = box.clientHeight / 2 - (at.y + NODE_HEIGHT / 2) * zoom;
      void flow.setViewport({ x, y: middle, zoom }, { duration: calm() ? 0 : 200 });
    }
  }, [flow, frame, layout, current]);
}

/** Whether the user asked for less motion. */
function calm(): boolean {
  return window.matchMedia('(prefers-reduced-motion: reduce)').matches;
}
