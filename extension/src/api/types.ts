// What the server's REST interface speaks of; src/cellmill/lab/openapi.yaml is the same in full.

export type RoleKind = 'step' | 'shared' | 'check' | 'parameters' | 'skip';
export type Severity = 'error' | 'warning' | 'info';

/** One cell as it stands in the editor. */
export interface ICellSource {
  id: string;
  type: string;
  source: string;
  tags: readonly string[];
}

/** A notebook as it stands in the editor, saved or not. */
export interface INotebookSource {
  path: string;
  cells: readonly ICellSource[];
}

/** What a remedy's button does; `role` is a tag such as `step:train`, or null to take the role away. */
export interface IFixAction {
  type: 'set-role';
  cell_id: string;
  role: string | null;
}

export interface IFix {
  label: string;
  action: IFixAction;
}

/** What readiness has to say about one place. */
export interface IFinding {
  code: string;
  kind: string;
  severity: Severity;
  message: string;
  remedy: string;
  step: string | null;
  name: string | null;
  cell: number | null;
  cell_id: string | null;
  line: number | null;
  /** Why its rule matters. */
  why?: string | null;
  /** Why it is ignored, where it is. */
  reason?: string | null;
  fixes?: readonly IFix[];
}

export interface IStep {
  name: string;
  cells: readonly string[];
  checks: readonly string[];
  inputs: readonly string[];
  outputs: readonly string[];
  parameters: readonly string[];
  upstream: readonly string[];
  retries: number | null;
  timeout: number | null;
}

/** `consumer` needs `provider`: for variables, or (`order`) only after it. */
export interface IEdge {
  provider: string;
  consumer: string;
  variables: readonly string[];
  /** The variables' types as the last run saved them. */
  types?: { readonly [name: string]: string };
  order: boolean;
  reasons: readonly string[];
  evidence: string;
}

export interface ICellRole {
  kind: RoleKind;
  name: string | null;
  origin: 'tag' | 'magic';
}

export type ParameterType = 'int' | 'float' | 'str' | 'bool' | 'list' | 'dict' | 'none' | 'any';

export interface IParameter {
  name: string;
  type: ParameterType;
  default: unknown;
  choices?: readonly unknown[] | null;
  minimum?: number | null;
  maximum?: number | null;
  nullable?: boolean | null;
  description?: string | null;
}

/** A name that the notebook reads and no cell defines. */
export interface IUndefined {
  name: string;
  cell_id: string;
  line: number;
}

/** The answer to `POST analyse`. */
export interface IAnalysis {
  steps: readonly IStep[];
  edges: readonly IEdge[];
  roles: { readonly [cellId: string]: ICellRole };
  findings: readonly IFinding[];
  /** Findings that comments or the pipeline's settings ignore. */
  ignored?: readonly IFinding[];
  parameters: readonly IParameter[];
  undefined: readonly IUndefined[];
  pipeline: {
    name: string | null;
    folder: string | null;
    exists: boolean;
    current: boolean | null;
    verified: IVerified | null;
  };
  ready: boolean;
  milliseconds: number;
}

/** One tag that the headings suggest. */
export interface ISuggestion {
  cell_id: string;
  role: string;
  heading: string | null;
}

/**
 * What becomes of a file: `kept`, `merged` and `conflict` were edited by hand; the notebook left the
 * first alone, and changed the others too.
 */
export type FileState = 'new' | 'changed' | 'same' | 'removed' | 'merged' | 'kept' | 'conflict';

/** A file as it is, as the notebook has it, and as it will be (with git's marks where they conflict). */
export interface IPlannedFile {
  path: string;
  state: FileState;
  before: string | null;
  after: string | null;
  merged: string | null;
}

/** Where an edit made by hand and the notebook can't both be right; lines are those of the file as it is. */
export interface IConflict {
  path: string;
  cell: number | null;
  cell_id: string | null;
  first_line: number | null;
  last_line: number | null;
  message: string;
}

/** One change that promotion would make, in words. */
export interface IChange {
  about: 'step' | 'cell' | 'edge' | 'parameter' | 'package' | 'edit';
  text: string;
}

/** What becomes of edits made by hand. */
export type Edits = 'merge' | 'keep' | 'mark' | 'overwrite';

/** The answer to `POST promotion/plan`: what promotion would do. */
export interface IPromotionPlan {
  pipeline: string;
  folder: string;
  exists: boolean;
  foreign: boolean;
  ready: boolean;
  files: readonly IPlannedFile[];
  edited: readonly string[];
  kept: readonly string[];
  conflicts: readonly IConflict[];
  changes: readonly IChange[];
  findings: readonly IFinding[];
}

/** The answer to `POST promotion`. */
export interface IPromotion {
  pipeline: string;
  folder: string;
  changed: readonly string[];
  removed: readonly string[];
  merged: readonly string[];
  kept: readonly string[];
  /** Edited files that stay, though the notebook has nothing for them any more. */
  orphans: readonly string[];
  /** Files of which edits were thrown away. */
  lost: readonly string[];
  decided: readonly string[];
  findings: readonly IFinding[];
}

export interface IFailure {
  sentence: string;
  kind: string;
  notebook: string | null;
  cell: number | null;
  cell_id: string | null;
  line: number | null;
  error: string;
  value: string;
  traceback: string;
  executed: string | null;
  report: string | null;
}

export type TaskState =
  'waiting' | 'running' | 'done' | 'up-to-date' | 'failed' | 'stopped' | 'not-run';

export interface ITask {
  name: string;
  state: TaskState;
  cell: number;
  cells: number;
  cell_id: string | null;
  /** The cell's place in the notebook, from 1; null for what promotion wrote. */
  number?: number | null;
  attempt: number;
  seconds: number | null;
  began: number | null;
  metrics: { readonly [name: string]: unknown };
  notebook: string | null;
  report: string | null;
  /** Why it runs, once it has begun. */
  reasons?: readonly string[];
  failure: IFailure | null;
}

export type RunState =
  'queued' | 'running' | 'succeeded' | 'failed' | 'stopped' | 'lost' | 'refused';

/** One execution of a pipeline, by whomever it was started. Paths are below the server's root. */
export interface IRun {
  run_id: string;
  kind: 'run' | 'verify' | 'sweep';
  pipeline: string;
  name: string;
  state: RunState;
  started: number;
  ended_at: number | null;
  seconds: number | null;
  parameters: { readonly [name: string]: unknown };
  profile: string | null;
  source: 'lab' | 'cli' | 'magic' | 'schedule';
  message: string | null;
  mlflow: { url: string | null; experiment: string | null; ui_command: string | null } | null;
  tasks: readonly ITask[];
  /** Of a sweep that has begun. */
  sweep?: ISweep | null;
}

/** One combination of a sweep's values. */
export interface ICombination {
  label: string;
  parameters: { readonly [name: string]: unknown };
  /** By step the name of its task among the run's, which combinations may share. */
  tasks: { readonly [step: string]: string };
  state: TaskState;
  steps: number;
  /** How many of them need nothing more. */
  over: number;
  running: readonly string[];
  /** Of the steps that it does not share. */
  seconds: number;
  metrics: { readonly [name: string]: unknown };
  failure: string | null;
}

export interface ISweep {
  varied: readonly string[];
  total: number;
  seed: number | null;
  metric: string | null;
  direction: string | null;
  /** The label of the best combination; null until the end. */
  best: string | null;
  value: number | string | null;
  /** The HTML page with the plot and the table. */
  page: string | null;
  combinations: readonly ICombination[];
}

/** What a sweep is to try: values as they are typed, with commas between them. */
export interface ISweepRequest {
  values: { readonly [name: string]: string };
  metric?: string;
  direction?: 'minimize' | 'maximize';
  draw?: number;
}

/** The answer to `POST runs/expected`: what a run would do. */
export interface IExpectedRun {
  tasks: readonly {
    name: string;
    state: 'would-run' | 'up-to-date' | 'not-asked';
    /** Why it would run. */
    reasons: readonly string[];
    /** Why it would not. */
    reason: string | null;
  }[];
  notices: readonly string[];
}

/** The answer to `POST sweeps/check`. */
export interface ISweepCheck {
  counts: { readonly [name: string]: number };
  problems: { readonly [name: string]: string };
  problem: string | null;
  total: number;
  combinations: number;
}

/** How far a pipeline is proven to give what its notebook gives. */
export interface IVerified {
  state:
    | 'never'
    | 'notebook-changed'
    | 'pipeline-changed'
    | 'data-changed'
    | 'equal'
    | 'different'
    | 'varies'
    | 'failed';
  words: string;
  at: string | null;
}

/** A promoted notebook: one folder. */
export interface IPipeline {
  name: string;
  folder: string;
  notebook: string | null;
  steps: number;
  tasks: readonly string[];
  parameters: readonly IParameter[];
  profiles: readonly string[];
  current: boolean | null;
  verified: IVerified;
  last_run: IRun | null;
}

/** What to run. */
export interface IRunRequest {
  pipeline: string;
  kind?: 'run' | 'verify' | 'sweep';
  /** Of the kind sweep. */
  sweep?: ISweepRequest;
  parameters?: { readonly [name: string]: unknown };
  profile?: string | null;
  force?: boolean;
  only?: string | null;
  from?: string | null;
  skip?: readonly string[];
  /** What the pipeline's last run left undone, with its values; goes with no other choice. */
  repair?: boolean;
}

export type TickState =
  'queued' | 'running' | 'succeeded' | 'failed' | 'lost' | 'stopped' | 'skipped' | 'missed';

/** One time of a schedule, or one cause, and what became of it. */
export interface ITick {
  id: number;
  cause: 'time' | 'file' | 'after' | 'hand';
  due: number;
  /** On the schedule's own clock. */
  due_words: string;
  /** Of times that are told as one, the last one's moment. */
  until: string | null;
  count: number;
  state: TickState;
  reason: string;
  attempt: number;
  run_id: string | null;
  runs: readonly string[];
  started: number | null;
  ended: number | null;
  /** The code that ran. */
  snapshot: string | null;
  file: string | null;
}

/** As under `schedule:` in cellmill.yaml. */
export type ScheduleEntry = { readonly [key: string]: unknown };

/** What a folder declares under a name, with what the store has of it. */
export interface ISchedule {
  id: string;
  /** PIPELINE/NAME. */
  label: string;
  pipeline: string;
  folder: string;
  project: string;
  name: string;
  notebook: string | null;
  /** It runs a notebook that was not promoted. */
  ordinary: boolean;
  /** When it is due; null if what stands in the file can't be read. */
  words: string | null;
  zone: string;
  enabled: boolean;
  paused: boolean;
  /** Whether the file has it and all of it is right; else what the store has goes on. */
  declared: boolean;
  stored: boolean;
  next: number | null;
  next_words: string | null;
  /** As it stands in the file; null if it is not there, or can't be changed from here. */
  entry: ScheduleEntry | null;
  /** The latest due first. */
  ticks: readonly ITick[];
}

/** A file whose schedules do not count as they are. */
export interface IScheduleProblem {
  folder: string;
  file: string;
  message: string;
  understood: readonly string[];
}

/** How a pipeline stands against what it promises; texts are empty for what it does not promise. */
export interface ILevels {
  folder: string;
  pipeline: string;
  file: string;
  broken: boolean;
  success_broken: boolean;
  freshness_broken: boolean;
  /** Share of the error budget, below 0 once it is used up; null without runs. */
  budget_left: number | null;
  success: string;
  promised: string;
  window: string;
  budget: string;
  burn_24h: string;
  age: string;
  freshness: string;
}

/** The answer to `GET schedules`. */
export interface ISchedules {
  schedules: readonly ISchedule[];
  problems: readonly IScheduleProblem[];
  projects: readonly {
    root: string;
    schedulers: readonly { host: string; pid: number; started: number }[];
    problem: string | null;
  }[];
  templates: readonly { text: string; meaning: string }[];
  levels: readonly ILevels[];
  level_problems: readonly string[];
  /** Whether this server is set to host schedulers. */
  hosted: boolean;
}

/** An entry to look at or to write; without one the schedule `name` is taken away. */
export interface IScheduleRequest {
  folder: string;
  name?: string | null;
  entry?: ScheduleEntry | null;
}

/** The answer to `POST schedules/check`. */
export interface IScheduleCheck {
  words: string | null;
  times: readonly string[];
  /** By key; by `parameters.NAME`, by `when`, and by the empty key what concerns all of it. */
  problems: { readonly [key: string]: string };
  parameters: readonly IParameter[];
}

/** The answer to `POST schedules/plan`. */
export interface ISchedulePlan {
  file: string;
  digest: string;
  new: boolean;
  diff: string;
}

/** The answer to pause, resume and run now. */
export interface IScheduleActed {
  schedule: ISchedule | null;
  message: string | null;
  served: boolean;
}
