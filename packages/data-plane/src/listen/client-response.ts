/** The response of the exchange that a client's connection is in: its framing, by what the client understands, and its end. */

import type { Socket } from 'node:net';
import { BodyLength as CodecLength } from '@causeway/http1/message-head';
import type { RequestHead } from '@causeway/http1/request-head';
import { shouldClose } from '@causeway/http1/should-close';
import { responseHeadText } from '@causeway/http1/write-head';

import type { FieldList, ResponseLength } from '../proxy/exchange.ts';
import type { MessageWriter } from '../socket/message-writer.ts';

const upgradeFields: FieldList = ['connection', 'Upgrade', 'upgrade', 'websocket'];

/** One for each connection; `begin` for each exchange. */
export class ClientResponse {
  /** The connection ends with it. */
  isLast = false;
  isHeadSent = false;
  /** It is complete, if not out. */
  isEnded = false;
  readonly #socket: Socket;
  readonly #writer: MessageWriter;
  /** Its end is seen by the end of the connection. */
  #isUntilClose = false;

  constructor(socket: Socket, writer: MessageWriter) {
    this.#socket = socket;
    this.#writer = writer;
  }

  begin(): void {
    this.isHeadSent = false;
    this.isEnded = false;
    this.#isUntilClose = false;
  }

  /** Nothing to an HTTP/1.0 client, which would take it for the response (RFC 9110 section 15.2). */
  sendInformational(head: RequestHead, status: number, fields: FieldList): void {
    if (head.minorVersion === 1) this.#writer.writeNow(responseHeadText(status, fields, undefined, false));
  }

  /** Of a WebSocket: what follows is no message (RFC 6455 section 4.2.2). */
  switchProtocols(fields: FieldList): void {
    this.#writer.begin(responseHeadText(101, [...upgradeFields, ...fields], undefined, false), false);
    this.#writer.flush();
  }

  sendHead(
    head: RequestHead,
    status: number,
    fields: FieldList,
    length: ResponseLength | undefined,
    close: boolean,
  ): void {
    const isOld = head.minorVersion === 0;
    this.#isUntilClose = length === 'untilClose' || (length === 'unknown' && isOld);
    // HTTP/1.0 never persists here, which spares its framing (RFC 9112 section 9.3).
    this.isLast = close || isOld || this.#isUntilClose || shouldClose(head);
    this.isHeadSent = true;
    const isChunked = length === 'unknown' && !isOld;
    const written =
      typeof length === 'string' ? (isChunked ? CodecLength.chunked : CodecLength.untilClose) : length;
    const offered =
      status === 426 && fields.includes('upgrade') ? [...fields, 'connection', 'Upgrade'] : fields;
    this.#writer.begin(responseHeadText(status, offered, written, this.isLast), isChunked);
  }

  end(): void {
    this.#writer.end();
    this.isEnded = true;
  }

  /** Where the end of the connection is the end of the body, an ordinary end would look complete. */
  reset(): void {
    if (this.#isUntilClose) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }
}
