// A box that floats beside something on the page until it is done with: picker and popover.

import { ReactWidget } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import type { ReactElement } from 'react';

const GAP = 4;
const MARGIN = 8;

export interface IFloatingOptions {
  /** Where to float: below the element, or above it where there is no room. */
  anchor: HTMLElement;
  className: string;
  content: (close: () => void) => ReactElement;
  /** Called once; `byKey` tells that the box had the focus, and somebody else should get it. */
  onClosed?: (hadFocus: boolean) => void;
}

/** Stays beside its anchor; Escape, a click elsewhere and a focus elsewhere close it. */
export class Floating extends ReactWidget {
  constructor(private _options: IFloatingOptions) {
    super();
    this.addClass('cellmill-Floating');
    this.addClass(_options.className);
    // Lab's shortcuts are for the notebook: here keys are text, or move in the list.
    this.node.dataset.lmSuppressShortcuts = 'true';
    this._observer = new ResizeObserver(() => this.place());
  }

  get anchor(): HTMLElement {
    return this._options.anchor;
  }

  open(): this {
    Widget.attach(this, document.body);
    return this;
  }

  /** Put the box where its anchor is now; close it if the anchor is gone. */
  place(): void {
    const anchor = this._options.anchor.getBoundingClientRect();
    if (!this._options.anchor.isConnected || (!anchor.width && !anchor.height)) {
      this.close();
      return;
    }
    const { offsetWidth: width, offsetHeight: height } = this.node;
    const below = anchor.bottom + GAP;
    const above = anchor.top - GAP - height;
    const fitsBelow = below + height <= window.innerHeight - MARGIN;
    // Once above it stays there: what is typed into must not jump.
    this._isAbove = above >= MARGIN && (this._isAbove || !fitsBelow);
    const top = this._isAbove ? above : below;
    const left = Math.min(anchor.left, window.innerWidth - MARGIN - width);
    this.node.style.top = `${Math.max(MARGIN, Math.min(top, window.innerHeight - MARGIN - height))}px`;
    this.node.style.left = `${Math.max(MARGIN, left)}px`;
  }

  handleEvent(event: Event): void {
    const target = event.target as Node | null;
    const inside = target instanceof Node && this.node.contains(target);
    if (event.type === 'keydown' && (event as KeyboardEvent).key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if (event.type === 'mousedown' && !inside && !this._options.anchor.contains(target)) {
      this.close();
    } else if (event.type === 'focusout') {
      const next = (event as FocusEvent).relatedTarget;
      if (next instanceof Node && !this.node.contains(next) && next !== this._options.anchor) {
        this.close();
      }
    } else if (event.type === 'resize' || (event.type === 'scroll' && !inside)) {
      this.place();
    }
  }

  protected render(): ReactElement {
    return this._options.content(() => this.close());
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.node.addEventListener('keydown', this);
    this.node.addEventListener('focusout', this);
    document.addEventListener('mousedown', this, true);
    document.addEventListener('scroll', this, true);
    window.addEventListener('resize', this);
    this._observer.observe(this.node);
    void this.renderPromise?.then(() => !this.isDisposed && this.place());
  }

  protected onBeforeDetach(message: Message): void {
    this.node.removeEventListener('keydown', this);
    this.node.removeEventListener('focusout', this);
    document.removeEventListener('mousedown', this, true);
    document.removeEventListener('scroll', this, true);
    window.removeEventListener('resize', this);
    this._observer.disconnect();
    super.onBeforeDetach(message);
  }

  protected onCloseRequest(message: Message): void {
    const hadFocus = this.node.contains(document.activeElement);
    super.onCloseRequest(message);
    this.dispose();
    this._options.onClosed?.(hadFocus);
    this._options.onClosed = undefined;
  }

  private _observer: ResizeObserver;
  private _isAbove = false;
}
