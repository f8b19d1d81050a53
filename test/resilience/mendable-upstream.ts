// An upstream in a process of its own, which can be killed, stopped, and told to fail, and comes back at the same port.

import { request } from 'undici';
import { type Child, startChild } from '../kit/child.ts';
import { onEnd, type Owner } from '../kit/owner.ts';

/** `/healthz` is answered with `health`, `/mode` sets statuses, anything else is answered with `status` and the name. */
const script = `
const [name, port] = process.argv.slice(1);
let health = 200, status = 200;
const server = require('node:http').createServer((request, response) => {
  const url = new URL(request.url, 'http://a');
  if (url.pathname === '/mode') {
    health = Number(url.searchParams.get('health'));
    status = Number(url.searchParams.get('status'));
    return response.end();
  }
  const isCheck = url.pathname === '/healthz';
  response.writeHead(isCheck ? health : status);
  response.end(isCheck ? '' : name);
});
server.listen({ port: Number(port), host: '127.0.0.1' }, () =>
  console.error(JSON.stringify({ level: 'info', msg: 'listening', port: server.address().port })));
`;

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

  /** Statuses from now on: of requests, and of checks. */
  async answer(status: number, health: number): Promise<void> {
    const url = `http://127.0.0.1:${this.port}/mode?status=${status}&health=${health}`;
    const { body } = await request(url, { reset: true });
    await body.dump();
  }
}

export async function startMendable(owner: Owner, name: string): Promise<MendableUpstream> {
  const upstream = new MendableUpstream(owner, name);
  await upstream.start();
  return upstream;
}
