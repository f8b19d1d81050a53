/** A stream of HTTP/2 as one end of a tunnel (RFC 8441). Whoever owns the stream tells its end. */

import type { ClientHttp2Stream, ServerHttp2Stream } from 'node:http2';

import type { TunnelPeer, TunnelPeerEvents } from '../streams/tunnel-peer.ts';
import type { TunnelSide } from '../streams/websocket/tunnel-pass.ts';
import { BodyWriter } from './body-writer.ts';

export class StreamTunnel implements TunnelPeer {
  readonly #stream: ClientHttp2Stream | ServerHttp2Stream;
  readonly #writer: BodyWriter;
  readonly #side: TunnelSide;
  readonly #events: TunnelPeerEvents;
  #isEnded = false;

  constructor(stream: ClientHttp2Stream | ServerHttp2Stream, side: TunnelSide, events: TunnelPeerEvents) {
    this.#stream = stream;
    this.#side = side;
    this.#events = events;
    this.#writer = new BodyWriter(stream, () => events.onPeerDrain(side));
  }

  get unsentMark(): number {
    return this.#writer.unsentMark;
  }

  begin(): void {
    this.#stream.on('data', (piece: Buffer) => {
      this.#events.onPeerBytes(this.#side, piece);
      this.#events.onPeerPart(this.#side);
    });
  }

  send(bytes: Buffer): boolean {
    return this.#isClosed || this.#writer.chunk(bytes);
  }

  flush(): void {
    if (!this.#isClosed) this.#writer.flush();
  }

  end(): void {
    if (this.#isClosed) return;
    this.#isEnded = true;
    this.#writer.end(undefined);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** RST_STREAM; of the kind that a connection cut off becomes (RFC 8441 section 5). */
  destroy(): void {
    this.#stream.destroy(cut);
  }

  /** The owner of the stream says that the peer has ended it. */
  onStreamEnd(): void {
    this.#events.onPeerEnd(this.#side);
  }

  /** The owner of the stream says that it is closed. */
  onStreamGone(): void {
    this.#events.onPeerGone(this.#side);
  }

  get #isClosed(): boolean {
    return this.#isEnded || this.#stream.closed || this.#stream.destroyed;
  }
}

/** Becomes RST_STREAM with INTERNAL_ERROR. */
const cut = new Error('the tunnel was cut');
