// "Reproduce here": what the kernel is asked, and what its answer means.

import type { IAnalysis } from '../src/api/types';
import { Answer, codeFor, namesGiven } from '../src/notebook/reproduction';

const RUN = '20260102-030405-ab12';

describe('what the kernel runs', () => {
  it('loads the extension and says which step of which run', () => {
    expect(codeFor(RUN, 'train', false)).toBe(
      "get_ipython().extension_manager.load_extension('cellmill')\n" +
        `get_ipython().run_line_magic('reproduce', '${RUN} train')`
    );
    expect(codeFor(RUN, 'étape_2', true)).toContain(`'${RUN} étape_2 --anyway'`);
  });

  it.each([
    [RUN, "x'); import os; os.system('"],
    [`${RUN}\nimport os`, 'train'],
    ['last', 'train'],
    [RUN, ''],
    [RUN, '--anyway']
  ])('is nothing for what is no run and step: %s %s', (run, step) => {
    expect(codeFor(run, step, false)).toBeNull();
  });
});

describe('the names that a step begins with', () => {
  const step = {
    name: 'train',
    cells: [],
    checks: [],
    inputs: ['df', 'n'],
    outputs: ['model'],
    parameters: ['n', 'rate'],
    upstream: [],
    retries: null,
    timeout: null
  };

  it('are what it is handed and its parameters', () => {
    const analysis = { steps: [step] } as unknown as IAnalysis;
    expect(namesGiven(analysis, 'train')).toEqual(['df', 'n', 'rate']);
    expect(namesGiven(analysis, 'other')).toEqual([]);
    expect(namesGiven(null, 'train')).toEqual([]);
  });
});

describe('the answer', () => {
  it('ends with what to do next', () => {
    const answer = new Answer();
    answer.take('stream', { name: 'stdout', text: 'This kernel has all.\n  parameters: n = 5\n' });
    answer.take('status', { execution_state: 'idle' });
    answer.take('stream', { name: 'stdout', text: 'Cell 5 failed.\nRun cell 5.\n' });
    expect(answer.error).toBeNull();
    expect(answer.next).toBe('Cell 5 failed.\nRun cell 5.');
  });

  it('is a sentence where cellmill refuses', () => {
    const answer = new Answer();
    const traceback = [
      '\u001b[31mError: a later run has replaced it; say --anyway to take it.\u001b[0m'
    ];
    answer.take('error', { ename: 'CellmillError', evalue: 'a later run', traceback });
    expect(answer.error).toBe('a later run has replaced it; say --anyway to take it.');
    expect(answer.hasOthers).toBe(true);
    expect(answer.lacksCellmill).toBe(false);
  });

  it('knows a kernel without cellmill, and leaves its traceback out', () => {
    const answer = new Answer();
    const evalue = "No module named 'cellmill'";
    answer.take('error', {
      ename: 'ModuleNotFoundError',
      evalue,
      traceback: ['---', 'File x', 'y']
    });
    expect(answer.error).toBe("ModuleNotFoundError: No module named 'cellmill'");
    expect(answer.lacksCellmill).toBe(true);
    expect(answer.hasOthers).toBe(false);
  });
});
