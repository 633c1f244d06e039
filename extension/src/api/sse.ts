// Server-sent events read from a fetch stream: EventSource can't send Jupyter's token.

/** One event of a stream. */
export interface IServerEvent {
  event: string;
  data: string;
}

/** Cuts text that arrives in pieces into events; comments (heartbeats) are dropped. */
export class EventParser {
  /** Take a piece of the stream and give the events that it completes. */
  push(piece: string): IServerEvent[] {
    this._rest += piece;
    const blocks = this._rest.split(/\r?\n\r?\n/);
    this._rest = blocks.pop() ?? '';
    return blocks.map(parseBlock).filter((one): one is IServerEvent => one !== null);
  }

  private _rest = '';
}

function parseBlock(block: string): IServerEvent | null {
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const at = line.indexOf(':');
    const field = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '');
    if (field === 'event') {
      event = value;
    } else if (field === 'data') {
      data.push(value);
    }
  }
  return data.length ? { event, data: data.join('\n') } : null;
}
