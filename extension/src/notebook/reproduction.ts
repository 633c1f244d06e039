// What `%reproduce` is asked from here, and what its answer means.

import type { IAnalysis } from '../api/types';

const RUN = /^\d{8}-\d{6}-[0-9a-f]{4,16}$/;
const STEP = /^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u;
const COLOURS = /\x1b\[[0-9;]*[A-Za-z]/g;
const SHOWN = 2;

export interface IReproduceArgs {
  /** The notebook's path below the server's root. */
  path: string;
  run_id: string;
  step: string;
  /** The cell that failed. */
  cell_id?: string;
  cell?: number;
  line?: number;
  /** Names that will be given values. */
  names?: string[];
}

/** The code that the kernel runs; null if what is asked for can't be a run and its step. */
export function codeFor(runId: string, step: string, anyway: boolean): string | null {
  if (!RUN.test(runId) || !STEP.test(step)) {
    return null;
  }
  const words = [runId, step, ...(anyway ? ['--anyway'] : [])].join(' ');
  return [
    "get_ipython().extension_manager.load_extension('cellmill')",
    `get_ipython().run_line_magic('reproduce', '${words}')`
  ].join('\n');
}

/** The names that a step begins with: what it is handed, and its parameters. */
export function namesGiven(analysis: IAnalysis | null, step: string): string[] {
  const found = analysis?.steps.find(one => one.name === step);
  return found ? [...new Set([...found.inputs, ...found.parameters])] : [];
}

/** What a kernel says while it runs code. */
export class Answer {
  text = '';
  error: string | null = null;

  take(type: string, content: { readonly [name: string]: unknown }): void {
    if (type === 'stream' && typeof content.text === 'string') {
      this.text += content.text;
    } else if (type === 'error') {
      const lines = Array.isArray(content.traceback) ? content.traceback.map(String) : [];
      const short = `${String(content.ename)}: ${String(content.evalue)}`;
      // One line is a sentence of cellmill's; more is a traceback through what nobody here wrote.
      const told = lines.length === 1 ? lines[0].replace(COLOURS, '') : short;
      this.error = told.replace(/^Error: /, '');
    }
  }

  /** Whether there are other inputs to take, if the user wants them. */
  get hasOthers(): boolean {
    return this.error?.includes('--anyway') ?? false;
  }

  /** Whether the kernel runs in an environment that has no cellmill. */
  get lacksCellmill(): boolean {
    return /^ModuleNotFoundError: No module named '?cellmill/.test(this.error ?? '');
  }

  /** Which cells to run: the end of what was told. */
  get next(): string {
    return this.text.trim().split('\n').slice(-SHOWN).join('\n');
  }
}
