// What every view of the panel may use, without handing it through all those between.

import type { TranslationBundle } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import { createContext, useContext, useSyncExternalStore } from 'react';
import type { Actions } from './actions';
import type { PipelineModel } from './model';

export interface IPanelServices {
  model: PipelineModel;
  actions: Actions;
  trans: TranslationBundle;
  /** Whether the user sees the panel. */
  isShown(): boolean;
}

export const IPanelServices = new Token<IPanelServices>(
  'cellmill:IPanelServices',
  "The pipeline panel's model, and what its views can do."
);

export const PanelContext = createContext<IPanelServices | null>(null);

export function usePanel(): IPanelServices {
  const services = useContext(PanelContext);
  if (!services) {
    throw new Error('A view of the pipeline panel stands outside of it.');
  }
  return services;
}

/** A model's state; the view is drawn again when it changes. */
export function useModel<M, S>(model: { changed: ISignal<M, void>; state: S }): S {
  return useSyncExternalStore(
    told => {
      const slot = (): void => told();
      model.changed.connect(slot);
      return () => void model.changed.disconnect(slot);
    },
    () => model.state
  );
}
