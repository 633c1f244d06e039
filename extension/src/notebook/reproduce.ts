// Gives the notebook's own kernel what a failed step began with, and shows the cell that failed.

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { namesInKernel } from './kernelNames';
import { Answer, codeFor, type IReproduceArgs } from './reproduction';

/** Load the inputs of a run's step; true if they are in the kernel now. */
export async function reproduce(
  panel: NotebookPanel,
  args: IReproduceArgs,
  trans: TranslationBundle
): Promise<boolean> {
  const kernel = await startedKernel(panel);
  if (!kernel) {
    Notification.warning(trans.__('Choose a kernel for the notebook, then reproduce it here.'));
    return false;
  }
  const taken = (await namesInKernel(kernel, args.names ?? [])) ?? [];
  if (taken.length && !(await mayReplace(taken, args, trans))) {
    return false;
  }
  let answer = await ask(kernel, args, false);
  if (answer.hasOthers && (await wantsOthers(answer, trans))) {
    answer = await ask(kernel, args, true);
  } else if (answer.hasOthers) {
    return false;
  }
  if (answer.error !== null) {
    const install = trans.__(
      'This notebook’s kernel does not have cellmill; install it in the kernel’s environment with: pip install cellmill'
    );
    Notification.error(answer.lacksCellmill ? install : answer.error, { autoClose: false });
    return false;
  }
  Notification.success(answer.next, {
    autoClose: 15_000,
    actions: [
      { label: trans.__('What was loaded'), callback: () => void showText(args, answer, trans) }
    ]
  });
  return true;
}

async function startedKernel(panel: NotebookPanel): Promise<Kernel.IKernelConnection | null> {
  const { sessionContext } = panel;
  await sessionContext.ready;
  if (!sessionContext.session?.kernel) {
    await sessionContext.startKernel();
  }
  return sessionContext.session?.kernel ?? null;
}

async function ask(
  kernel: Kernel.IKernelConnection,
  args: IReproduceArgs,
  anyway: boolean
): Promise<Answer> {
  const answer = new Answer();
  const code = codeFor(args.run_id, args.step, anyway);
  if (code === null) {
    answer.error = `${args.run_id} ${args.step}`;
    return answer;
  }
  const future = kernel.requestExecute({ code, store_history: false, allow_stdin: false });
  future.onIOPub = message =>
    answer.take(message.header.msg_type, message.content as { [name: string]: unknown });
  await future.done;
  return answer;
}

async function mayReplace(
  names: readonly string[],
  args: IReproduceArgs,
  trans: TranslationBundle
): Promise<boolean> {
  const { button } = await showDialog({
    title: trans.__('Reproduce step %1 here?', args.step),
    body: trans._n(
      'The kernel has a value for %2, which what the step began with will replace.',
      'The kernel has values for %2, which what the step began with will replace.',
      names.length,
      names.join(', ')
    ),
    buttons: [
      Dialog.cancelButton(),
      Dialog.okButton({ label: trans.__('Replace'), className: 'cellmill-mod-replace' })
    ]
  });
  return button.accept;
}

async function wantsOthers(answer: Answer, trans: TranslationBundle): Promise<boolean> {
  const { button } = await showDialog({
    title: trans.__('The inputs of this run are gone'),
    body: trans.__('%1 Load what the later run made?', firstClause(answer.error ?? '')),
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Load Anyway') })]
  });
  return button.accept;
}

/** What is wrong, without the remedy for those who type. */
function firstClause(sentence: string): string {
  const clause = sentence.split(';')[0];
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;
}

async function showText(
  args: IReproduceArgs,
  answer: Answer,
  trans: TranslationBundle
): Promise<void> {
  const body = new Widget();
  const text = document.createElement('pre');
  text.textContent = answer.text.trim();
  body.node.append(text);
  await showDialog({
    title: trans.__('Step %1 as it began', args.step),
    body,
    buttons: [Dialog.okButton()]
  });
}
