// Asks a Python kernel which of some names it holds, leaving no trace in it.

import type { Kernel } from '@jupyterlab/services';
import { isIdentifier } from '../roles';

const KEY = 'cellmill';

/** The expression that the kernel evaluates: the names that are there, joined by commas. */
export function expressionFor(names: readonly string[]): string {
  const quoted = names.filter(isIdentifier).map(name => `'${name}'`);
  return `','.join(n for n in (${quoted.join(',')},) if n in globals())`;
}

/** The names in the kernel's answer, a Python text in quotes. */
export function namesIn(answer: unknown): string[] {
  const text = typeof answer === 'string' ? answer.replace(/^'|'$/g, '') : '';
  return text.split(',').filter(isIdentifier);
}

/** Which of these names the kernel holds; null if it did not say. It must be idle. */
export async function namesInKernel(
  kernel: Kernel.IKernelConnection,
  names: readonly string[]
): Promise<readonly string[] | null> {
  if (!names.some(isIdentifier)) {
    return [];
  }
  const future = kernel.requestExecute({
    code: '',
    silent: true,
    store_history: false,
    allow_stdin: false,
    stop_on_error: false,
    user_expressions: { [KEY]: expressionFor(names) }
  });
  const { content } = await future.done;
  if (content.status !== 'ok') {
    return null;
  }
  const answer = content.user_expressions?.[KEY] as
    { status?: string; data?: { [mime: string]: unknown } } | undefined;
  return answer?.status === 'ok' ? namesIn(answer.data?.['text/plain']) : null;
}
