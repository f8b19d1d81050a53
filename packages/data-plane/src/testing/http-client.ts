/** Clients for tests: one that behaves, and one that sends exactly what it is told to. */

import { once } from 'node:events';
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Ask {
  readonly port: number;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
  readonly agent?: Agent;
}

/** Sends a request and reads the whole answer, by default on a connection of its own. */
export async function ask(options: Ask): Promise<Answer> {
  const response = await askHead(options);
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

/** Sends a request and gives the answer as soon as its head is there. */
export async function askHead({ body, agent, ...options }: Ask): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = httpRequest({ host: '127.0.0.1', agent: agent ?? false, ...options }, resolve);
  request.on('error', reject);
  request.end(body);
  return promise;
}

/** An agent that keeps `connections` open, ended with the test. */
export function keepAliveAgent(context: TestContext, connections = 1): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  context.after(() => agent.destroy());
  return agent;
}

/** A socket, destroyed with the test. */
export async function openSocket(context: TestContext, port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  context.after(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  return socket;
}

/** Sends latin-1 bytes on a new connection and gives all that comes back until the other side ends it. */
export async function sendRaw(context: TestContext, port: number, bytes: string): Promise<string> {
  const socket = await openSocket(context, port);
  socket.write(bytes, 'latin1');
  return readToEnd(socket);
}

/** Everything until the other side ends or resets the connection. */
export async function readToEnd(socket: Socket): Promise<string> {
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  await once(socket, 'close');
  return received;
}

/** Waits until `isTrue`, at most five seconds; then fails with `what`. */
export async function until(what: string, isTrue: () => boolean, withinMs = 5000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!isTrue()) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
