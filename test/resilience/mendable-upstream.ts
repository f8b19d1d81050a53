// Upstreams that fail and come back, at the same port: one in a process of its own, which can be killed and stopped, and one here.

import { createServer } from 'node:http';
import { type Child, startChild } from '../kit/child.ts';
import { onEnd, type Owner } from '../kit/owner.ts';
import { listen } from '../kit/upstreams/listen.ts';

const script = `
const [name, port] = process.argv.slice(1);
const server = require('node:http').createServer((request, response) => response.end(name));
server.listen({ port: Number(port), host: '127.0.0.1' }, () =>
  console.error(JSON.stringify({ level: 'info', msg: 'listening', port: server.address().port })));
`;

/** Answers with its name. */
export class MendableUpstream {
  readonly name: string;
  /** The same after each start. */
  port = 0;
  readonly #owner: Owner;
  #child: Child | undefined;

  constructor(owner: Owner, name: string) {
    this.#owner = owner;
    this.name = name;
  }

  async start(): Promise<void> {
    const child = startChild(this.#owner, {
      name: `upstream ${this.name}`,
      command: process.execPath,
      args: ['-e', script, this.name, String(this.port)],
    });
    // A stopped process would not end by itself.
    onEnd(this.#owner, () => child.signal('SIGCONT'));
    this.#child = child;
    this.port = Number((await child.waitForLog('listening', ({ msg }) => msg === 'listening'))['port']);
  }

  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  /** Its port accepts, and nothing more comes of it. */
  stop(): void {
    this.#child?.signal('SIGSTOP');
  }

  goOn(): void {
    this.#child?.signal('SIGCONT');
  }
}

/** Answers with its name, or as it is told. */
export class FickleUpstream {
  readonly name: string;
  port = 0;
  readonly #owner: Owner;
  #status = 200;
  #health = 200;

  constructor(owner: Owner, name: string) {
    this.#owner = owner;
    this.name = name;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/healthz' ? this.#health : this.#status;
      response.end(this.name);
    });
    this.port = await listen(this.#owner, server);
  }

  /** Statuses from now on: of requests, and of checks at `/healthz`. */
  set({ status = this.#status, health = this.#health }: { status?: number; health?: number }): void {
    this.#status = status;
    this.#health = health;
  }
}
