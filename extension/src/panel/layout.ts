// Where the graph's steps and edges stand: a pure function of its structure, computed once for each structure.

import { Graph, layout as place } from '@dagrejs/dagre';
import type { IEdge } from '../api/types';

/** Steps are as wide as the longest name needs, within these bounds. */
const NARROWEST = 138;
const WIDEST = 196;
export const NODE_HEIGHT = 46;

const LONGEST_LABEL = 18;
/** Pixels of one character of a label or name, and of what stands around it. */
const CHARACTER = 6.2;
const PADDING = 12;
const NAME_CHARACTER = 7.8;
const NAME_PADDING = 52;
const LABEL_HEIGHT = 18;
/** From so many edges on, the simpler ranking: the optimal one takes seconds. */
const MANY_EDGES = 150;
const MARGIN = 8;
/** Distance of lines that run side by side. */
const LANE = 12;
const MOST_LANES = 24;
const KEPT = 20;

export interface IPoint {
  x: number;
  y: number;
}

/** One line between two steps; there may be one for variables and one for the order, drawn as one. */
export interface IPlacedEdge {
  id: string;
  edge: IEdge;
  label: string;
  /** The line, as an SVG path. */
  path: string;
  /** The label's middle. */
  at: IPoint;
  /** Whether there is room for the label; without, a dot stands there. */
  labelled: boolean;
}

export interface ILayout {
  /** Top left corners of the steps. */
  nodes: ReadonlyMap<string, IPoint>;
  nodeWidth: number;
  edges: readonly IPlacedEdge[];
  width: number;
  height: number;
}

/** What an edge says beside its line: its first variable and how many more there are. */
export function edgeLabel(edge: IEdge, order: string): string {
  const [first, ...more] = edge.variables;
  if (first === undefined) {
    return order;
  }
  const short = first.length > LONGEST_LABEL ? `${first.slice(0, LONGEST_LABEL - 1)}…` : first;
  return more.length ? `${short} +${more.length}` : short;
}

/** Edges of which both ends exist, one for each pair of steps. */
export function joinEdges(steps: readonly string[], edges: readonly IEdge[]): readonly IEdge[] {
  const known = new Set(steps);
  const joined = new Map<string, IEdge>();
  for (const edge of edges) {
    if (!known.has(edge.provider) || !known.has(edge.consumer)) {
      continue;
    }
    const key = JSON.stringify([edge.provider, edge.consumer]);
    const other = joined.get(key);
    joined.set(
      key,
      other
        ? {
            ...other,
            variables: [...new Set([...other.variables, ...edge.variables])],
            reasons: [...new Set([...other.reasons, ...edge.reasons])],
            order: other.order && edge.order
          }
        : edge
    );
  }
  return [...joined.values()];
}

/** Place steps from top to bottom, and labels where they hide nothing. */
export function layoutGraph(
  steps: readonly string[],
  edges: readonly IEdge[],
  order = 'order'
): ILayout {
  const all = joinEdges(steps, edges);
  const shortcuts = findShortcuts(all);
  const direct = all.filter(edge => !shortcuts.has(edge));
  const nodeWidth = widthOf(steps);
  const { nodes, placed } = placeSteps(steps, nodeWidth, direct, order);
  placed.push(...routeShortcuts(nodes, nodeWidth, [...shortcuts], placed, order));
  return { nodes, nodeWidth, edges: placed, ...sizeOf(nodes, nodeWidth, placed) };
}

function widthOf(steps: readonly string[]): number {
  const longest = Math.max(0, ...steps.map(name => name.length));
  return Math.min(WIDEST, Math.max(NARROWEST, longest * NAME_CHARACTER + NAME_PADDING));
}

/**
 * Edges whose ends are joined by a longer way too. Where they go decides nothing about where steps stand, and as they
 * would push steps apart sideways, they get lanes beside the steps: a pipeline stays as narrow as the panel.
 */
function findShortcuts(edges: readonly IEdge[]): ReadonlySet<IEdge> {
  const next = new Map<string, string[]>();
  edges.forEach(one => next.set(one.provider, [...(next.get(one.provider) ?? []), one.consumer]));
  const leads = (edge: IEdge): boolean => {
    const seen = new Set([edge.provider]);
    const open = (next.get(edge.provider) ?? []).filter(one => one !== edge.consumer);
    for (let step = open.pop(); step !== undefined; step = open.pop()) {
      if (step === edge.consumer) {
        return true;
      }
      if (!seen.has(step)) {
        seen.add(step);
        open.push(...(next.get(step) ?? []));
      }
    }
    return false;
  };
  return new Set(edges.filter(leads));
}

function placeSteps(
  steps: readonly string[],
  nodeWidth: number,
  edges: readonly IEdge[],
  order: string
): { nodes: Map<string, IPoint>; placed: IPlacedEdge[] } {
  const graph = new Graph({ multigraph: false });
  graph.setGraph({
    rankdir: 'TB',
    nodesep: 16,
    edgesep: 8,
    ranksep: 14,
    marginx: MARGIN,
    marginy: MARGIN,
    ranker: edges.length > MANY_EDGES ? 'longest-path' : 'network-simplex'
  });
  // By number: the library keeps names as keys of plain objects, where `__proto__` is no name.
  const id = new Map(steps.map((name, index) => [name, String(index)]));
  id.forEach(one => graph.setNode(one, { width: nodeWidth, height: NODE_HEIGHT }));
  for (const edge of edges) {
    graph.setEdge(id.get(edge.provider)!, id.get(edge.consumer)!, {
      width: labelWidth(edgeLabel(edge, order)),
      height: LABEL_HEIGHT,
      labelpos: 'c'
    });
  }
  place(graph);
  const nodes = new Map<string, IPoint>();
  for (const [name, one] of id) {
    const { x = 0, y = 0 } = graph.node(one) as Partial<IPoint>;
    nodes.set(name, { x: x - nodeWidth / 2, y: y - NODE_HEIGHT / 2 });
  }
  const placed = edges.map((edge): IPlacedEdge => {
    const found = graph.edge(id.get(edge.provider)!, id.get(edge.consumer)!) as Partial<IPoint> & {
      points?: IPoint[];
    };
    return {
      ...describe(edge, order),
      path: pathThrough(found.points ?? []),
      at: { x: found.x ?? 0, y: found.y ?? 0 },
      labelled: true
    };
  });
  return { nodes, placed };
}

function describe(edge: IEdge, order: string): Pick<IPlacedEdge, 'id' | 'edge' | 'label'> {
  return {
    id: JSON.stringify([edge.provider, edge.consumer]),
    edge,
    label: edgeLabel(edge, order)
  };
}

/** Lead each shortcut along a lane to the right of all that stands between its ends. */
function routeShortcuts(
  nodes: ReadonlyMap<string, IPoint>,
  nodeWidth: number,
  shortcuts: readonly IEdge[],
  placed: readonly IPlacedEdge[],
  order: string
): IPlacedEdge[] {
  const lanes: { from: number; to: number; x: number }[] = [];
  const labels = placed.map(one => boxOf(one.at, one.label));
  const span = (edge: IEdge): number =>
    Math.abs(nodes.get(edge.consumer)!.y - nodes.get(edge.provider)!.y);
  return [...shortcuts]
    .sort((a, b) => span(a) - span(b))
    .map((edge): IPlacedEdge => {
      const start = nodes.get(edge.provider)!;
      const end = nodes.get(edge.consumer)!;
      const from = start.y + NODE_HEIGHT * 0.62;
      const to = end.y + NODE_HEIGHT * 0.38;
      const [top, bottom] = [Math.min(from, to), Math.max(from, to)];
      let x = LANE + rightmost(nodes, nodeWidth, placed, top, bottom);
      const crowd = lanes.filter(one => one.from < bottom && one.to > top).map(one => one.x);
      while (crowd.some(other => Math.abs(other - x) < LANE) && crowd.length < MOST_LANES) {
        x += LANE;
      }
      lanes.push({ from: top, to: bottom, x });
      const described = describe(edge, order);
      const free = freePlace({ x, from: top, to: bottom }, described.label, labels);
      labels.push(boxOf(free ?? { x, y: (top + bottom) / 2 }, free ? described.label : ''));
      return {
        ...described,
        path: lanePath(start.x + nodeWidth, from, end.x + nodeWidth, to, x),
        at: free ?? { x, y: (top + bottom) / 2 },
        labelled: free !== null
      };
    });
}

function rightmost(
  nodes: ReadonlyMap<string, IPoint>,
  nodeWidth: number,
  placed: readonly IPlacedEdge[],
  top: number,
  bottom: number
): number {
  let right = 0;
  for (const { x, y } of nodes.values()) {
    if (y < bottom && y + NODE_HEIGHT > top) {
      right = Math.max(right, x + nodeWidth);
    }
  }
  for (const one of placed) {
    if (one.at.y < bottom && one.at.y > top) {
      right = Math.max(right, one.at.x + labelWidth(one.label) / 2);
    }
  }
  return right;
}

interface IBox {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

function boxOf(at: IPoint, label: string): IBox {
  const [width, height] = label ? [labelWidth(label), LABEL_HEIGHT] : [LANE, LANE];
  return {
    left: at.x - width / 2,
    right: at.x + width / 2,
    top: at.y - height / 2,
    bottom: at.y + height / 2
  };
}

/** A place on a lane where a label hides no other label, nearest to the lane's middle. */
function freePlace(
  lane: { x: number; from: number; to: number },
  label: string,
  labels: readonly IBox[]
): IPoint | null {
  const middle = (lane.from + lane.to) / 2;
  const reach = (lane.to - lane.from) / 2 - LABEL_HEIGHT;
  const hides = (at: IPoint): boolean => {
    const box = boxOf(at, label);
    return labels.some(
      one =>
        one.left < box.right + 2 &&
        one.right > box.left - 2 &&
        one.top < box.bottom + 2 &&
        one.bottom > box.top - 2
    );
  };
  for (let away = 0; away <= reach; away += LABEL_HEIGHT / 2) {
    for (const y of [middle - away, middle + away]) {
      // Beside the lane rather than across it, so that no step is hidden.
      const at = { x: lane.x + labelWidth(label) / 2 - LANE / 2, y };
      if (!hides(at)) {
        return at;
      }
    }
  }
  return null;
}

/** Out of a step's right side, along the lane, and into another's. */
function lanePath(x1: number, y1: number, x2: number, y2: number, lane: number): string {
  const bend = (y2 > y1 ? 1 : -1) * Math.min(10, Math.abs(y2 - y1) / 2);
  return [
    `M${x1},${y1}`,
    `L${lane - 10},${y1}`,
    `Q${lane},${y1} ${lane},${y1 + bend}`,
    `L${lane},${y2 - bend}`,
    `Q${lane},${y2} ${lane - 10},${y2}`,
    `L${x2 + 3},${y2}`
  ].join('');
}

function sizeOf(
  nodes: ReadonlyMap<string, IPoint>,
  nodeWidth: number,
  edges: readonly IPlacedEdge[]
): { width: number; height: number } {
  let width = 0;
  let height = 0;
  for (const { x, y } of nodes.values()) {
    width = Math.max(width, x + nodeWidth + MARGIN);
    height = Math.max(height, y + NODE_HEIGHT + MARGIN);
  }
  for (const { at, label, labelled } of edges) {
    width = Math.max(width, at.x + (labelled ? labelWidth(label) / 2 : LANE) + MARGIN);
  }
  return { width, height };
}

function labelWidth(label: string): number {
  return label.length * CHARACTER + PADDING;
}

/** A smooth line through points, as an SVG path. */
export function pathThrough(points: readonly IPoint[]): string {
  if (points.length < 2) {
    return '';
  }
  const parts = [`M${points[0].x},${points[0].y}`];
  for (let i = 1; i < points.length - 1; i++) {
    const { x, y } = points[i];
    const next = points[i + 1];
    const last = i === points.length - 2;
    const end = last ? next : { x: (x + next.x) / 2, y: (y + next.y) / 2 };
    parts.push(`Q${x},${y} ${end.x},${end.y}`);
  }
  if (points.length === 2) {
    parts.push(`L${points[1].x},${points[1].y}`);
  }
  return parts.join('');
}

/** Layouts by structure: typing inside a step's cells changes none. */
export class LayoutMemo {
  get(steps: readonly string[], edges: readonly IEdge[], order: string): ILayout {
    const key = JSON.stringify([
      order,
      steps,
      edges.map(one => [one.provider, one.consumer, one.variables, one.reasons, one.order])
    ]);
    let layout = this._kept.get(key);
    if (layout) {
      this._kept.delete(key);
    } else {
      layout = layoutGraph(steps, edges, order);
    }
    this._kept.set(key, layout);
    if (this._kept.size > KEPT) {
      this._kept.delete(this._kept.keys().next().value as string);
    }
    return layout;
  }

  private _kept = new Map<string, ILayout>();
}
