// All of cellmill's plugins for JupyterLab.

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { corePlugin } from './core';
import { notebookPlugin } from './notebook/plugin';
import { panelPlugin } from './panel/plugin';
import { schedulesPlugin } from './schedules/plugin';
import { workspacePlugin } from './workspace/plugin';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  corePlugin,
  notebookPlugin,
  panelPlugin,
  schedulesPlugin,
  workspacePlugin
];

export default plugins;
