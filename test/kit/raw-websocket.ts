// A WebSocket client that sends exactly the frames, or the bytes, that it is told to.

import { randomBytes } from 'node:crypto';
import { type Ending, rawConnect, type RawClient } from './raw-client.ts';
import type { Owner } from './owner.ts';
import type { RawResponse } from './raw-response.ts';
import {
  closeOf,
  type Closed,
  decodeFrame,
  encodeFrame,
  type Frame,
  opcodes,
  type ReadFrame,
} from './websocket-frames.ts';

/** The head of a handshake (RFC 6455 section 4.1), with more field lines that each end in CRLF. */
export function handshakeHead(target: string, host = 'a.test', fields = ''): string {
  const key = randomBytes(16).toString('base64');
  const upgrade = `connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n`;
  return `GET ${target} HTTP/1.1\r\nhost: ${host}\r\n${upgrade}${fields}\r\n`;
}

/** Opens a WebSocket on loopback. Throws unless it is answered with 101. */
export async function openRawWebSocket(
  owner: Owner,
  port: number,
  target: string,
  fields = '',
): Promise<RawWebSocket> {
  const client = await rawConnect(owner, port);
  await client.send(handshakeHead(target, 'a.test', fields));
  const answer = await client.readResponse();
  if (answer.status !== 101) throw new Error(`${answer.status}: ${answer.body.toString()}`);
  return new RawWebSocket(client, answer);
}

export class RawWebSocket {
  /** For what is no frame: bytes of any kind, half closes, resets. */
  readonly client: RawClient;
  readonly answer: RawResponse;

  constructor(client: RawClient, answer: RawResponse) {
    this.client = client;
    this.answer = answer;
  }

  async send(frame: Frame): Promise<void> {
    await this.client.send(encodeFrame(frame));
  }

  /** The next frame. Throws when the connection ends before it. */
  async readFrame(): Promise<ReadFrame> {
    return this.client.take('a whole frame', (bytes) => {
      const found = decodeFrame(bytes);
      return found === undefined ? undefined : { taken: found.frame, end: found.end };
    });
  }

  /** The next close frame, over whatever comes before it. */
  async readClose(): Promise<Closed> {
    for (;;) {
      const frame = await this.readFrame();
      if (frame.opcode === opcodes.close) return closeOf(frame);
    }
  }

  /** How the connection ends. */
  async ended(): Promise<Ending> {
    return this.client.closed();
  }
}
