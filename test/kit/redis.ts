// Real Redis servers, on free ports of this machine, that can be killed, stopped in their tracks and started again.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { type Child, startChild } from './child.ts';
import { eventually } from './eventually.ts';
import type { Owner } from './owner.ts';
import { tempDir } from './temp-dir.ts';

const slots = 16_384;

export interface RedisOptions {
  /** Further words of its command line. */
  readonly flags?: readonly string[];
  /** It takes TLS on its port, and nothing else; the flags say with which certificate. */
  readonly tls?: boolean;
}

/** Starts a Redis and waits until it answers. */
export async function startRedis(owner: Owner, options: RedisOptions = {}): Promise<RedisServer> {
  const server = new RedisServer(owner, options, await tempDir(owner), await freePort());
  await server.start();
  return server;
}

export class RedisServer {
  readonly port: number;
  readonly #owner: Owner;
  readonly #options: RedisOptions;
  readonly #dir: string;
  #child: Child | undefined;

  constructor(owner: Owner, options: RedisOptions, dir: string, port: number) {
    this.#owner = owner;
    this.#options = options;
    this.#dir = dir;
    this.port = port;
  }

  /** Also once more after a kill, with the data that it has on disk. */
  async start(): Promise<void> {
    const { flags = [], tls = false } = this.#options;
    const ports = tls ? ['--port', '0', '--tls-port', String(this.port)] : ['--port', String(this.port)];
    this.#child = startChild(this.#owner, {
      name: `redis ${this.port}`,
      command: 'redis-server',
      args: [...ports, '--bind', '127.0.0.1', '--dir', this.#dir, '--save', '', ...flags],
      cwd: this.#dir,
    });
    const child = this.#child;
    await eventually(() => child.output.some((line) => line.includes('Ready to accept connections')), {
      what: 'redis accepts connections',
    });
  }

  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  /** It accepts connections, and answers nothing. */
  hang(): void {
    this.#child?.signal('SIGSTOP');
  }

  goOn(): void {
    this.#child?.signal('SIGCONT');
  }

  /** What it answers to a command, as it stands on the wire; of plain TCP alone. */
  async ask(...words: string[]): Promise<string> {
    const socket = connect(this.port, '127.0.0.1');
    socket.setEncoding('utf8');
    socket.end(`${words.join(' ')}\r\nQUIT\r\n`);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer.replace(/\+OK\r\n$/, '');
  }

  /** The names of all keys that it holds. */
  async keys(): Promise<string[]> {
    const lines = (await this.ask('KEYS', '*')).split('\r\n');
    return lines.filter((line, index) => index % 2 === 0 && index > 0 && line !== '');
  }
}

/** Starts a Redis Cluster of three primaries that share all slots, and waits until each knows it. */
export async function startRedisCluster(owner: Owner): Promise<RedisServer[]> {
  const servers = await Promise.all(
    [0, 1, 2].map(async () => {
      const busPort = String(await freePort());
      const flags = ['--cluster-enabled', 'yes', '--cluster-port', busPort, '--cluster-node-timeout', '2000'];
      return { server: await startRedis(owner, { flags }), busPort };
    }),
  );
  for (const [index, { server }] of servers.entries()) {
    const from = Math.floor((index * slots) / servers.length);
    const to = Math.floor(((index + 1) * slots) / servers.length) - 1;
    await server.ask('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
    await server.ask('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
    for (const other of servers)
      if (other.server !== server)
        await server.ask('CLUSTER', 'MEET', '127.0.0.1', String(other.server.port), other.busPort);
  }
  for (const { server } of servers)
    await eventually(() => server.ask('CLUSTER', 'INFO'), {
      what: 'the cluster is whole',
      until: (info) => info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3'),
    });
  return servers.map(({ server }) => server);
}

/** Redis cannot choose one by itself. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
