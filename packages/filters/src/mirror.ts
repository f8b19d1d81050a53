/** Sends a copy of a share of the requests to another Service; nothing of it delays or changes the request or its answer. */

import { type Filter, type RequestCopy, watchesBody } from './filter.ts';

export interface MirrorSettings {
  /** "namespace/name" */
  readonly service: string;
  /** 0 to 100, with fractions. */
  readonly percent: number;
  /** A request with a larger body is not copied. */
  readonly bodyBytesMax: number;
}

/** A copy that is being made. */
interface Copying {
  copy: RequestCopy | undefined;
  body: Uint8Array[];
  bytes: number;
}

/** `random`: 0 up to 1. */
export function createMirrorFilter(
  name: string,
  { service, percent, bodyBytesMax }: MirrorSettings,
  random: () => number,
): Filter<Copying> {
  return {
    kind: 'mirror',
    name,
    createState: () => ({ copy: undefined, body: [], bytes: 0 }),
    onRequestHead(exchange, state) {
      if (random() * 100 >= percent) return undefined;
      const copy = exchange.openCopy(service, exchange.hasRequestBody ? bodyBytesMax : 0);
      if (copy === undefined) return undefined;
      if (!exchange.hasRequestBody) {
        copy.send([]);
        return undefined;
      }
      state.copy = copy;
      return watchesBody;
    },
    onRequestChunk(chunk, _exchange, state) {
      state.bytes += chunk.length;
      if (state.bytes > bodyBytesMax) drop(state, 'tooLarge');
      else if (state.copy !== undefined) state.body.push(Uint8Array.from(chunk));
      return chunk;
    },
    onRequestEnd(_exchange, state) {
      state.copy?.send(state.body);
      state.copy = undefined;
      return undefined;
    },
    onEnd: (_exchange, _outcome, state) => drop(state, 'abandoned'),
  };
}

function drop(state: Copying, why: 'tooLarge' | 'abandoned'): void {
  state.copy?.drop(why);
  state.copy = undefined;
  state.body = [];
}
