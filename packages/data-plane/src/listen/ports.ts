/** The ports of a node, opened and closed as tables come and go. */

import { create } from '@bufbuild/protobuf';
import { type NodeProblem, NodeProblemSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { messageOf, systemCodeOf } from '@causeway/runtime/errors';
import { formatListenAddress } from '@causeway/runtime/listen-address';
import { logListening } from '@causeway/runtime/listening-line';
import type { Logger } from '@causeway/runtime/logger';

import type { RequestHandler } from '../proxy/exchange.ts';
import type { Table, TableSocket } from '../table/table.ts';
import type { ConnectionCounts } from './connection-counts.ts';
import { HttpListener } from './http-listener.ts';

export interface PortsOptions {
  readonly handler: RequestHandler;
  readonly counts: ConnectionCounts;
  readonly logger: Logger;
}

/** Ports that are open for a table that is not live yet. Exactly one of the two is called. */
export interface PreparedPorts {
  /** After the table is live: traffic flows on the new ports, and those that it does not have drain. */
  commit(): void;
  rollback(): Promise<void>;
}

interface OpenPort {
  readonly listener: HttpListener;
  readonly boundPort: number;
}

export class Ports {
  readonly #options: PortsOptions;
  /** By socket key. */
  readonly #open = new Map<string, OpenPort>();
  /** No longer accepting, but with connections. */
  readonly #draining = new Set<HttpListener>();
  readonly #logged = new Set<string>();
  #isDrained = false;

  constructor(options: PortsOptions) {
    this.#options = options;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** The real port of a socket of the table, undefined when it is not open. */
  boundPort(socketKey: string): number | undefined {
    return this.#open.get(socketKey)?.boundPort;
  }

  /** Whether this node listens on `port` for traffic. */
  has(port: number): boolean {
    for (const { boundPort } of this.#open.values()) if (boundPort === port) return true;
    return false;
  }

  /** Opens what `table` wants and is not open. Problems: nothing has changed. */
  async prepare(table: Table): Promise<PreparedPorts | NodeProblem[]> {
    const opened = new Map<string, OpenPort>();
    const yielded: OpenPort[] = [];
    const problems: NodeProblem[] = [];
    for (const socket of table.sockets.values()) {
      if (this.#open.has(socket.key) || this.#isDrained) continue;
      yielded.push(...this.#yieldPort(socket, table));
      const result = await this.#openPort(socket, table);
      if ('listener' in result) opened.set(socket.key, result);
      else problems.push(result);
    }
    const prepared = {
      commit: () => this.#commit(table, opened),
      rollback: async () => this.#rollback(opened, yielded),
    };
    if (problems.length === 0) return prepared;
    await prepared.rollback();
    return problems;
  }

  /** Closes every port, for good; connections end as their exchanges do. */
  drain(): void {
    this.#isDrained = true;
    for (const key of this.#open.keys()) this.#close(key);
  }

  get connections(): number {
    let sum = 0;
    for (const { listener } of this.#open.values()) sum += listener.connections;
    for (const listener of this.#draining) sum += listener.connections;
    return sum;
  }

  /** Cuts every connection. */
  destroy(): void {
    this.drain();
    for (const listener of this.#draining) listener.destroy();
    this.#draining.clear();
  }

  async #openPort(socket: TableSocket, table: Table): Promise<OpenPort | NodeProblem> {
    const { handler, counts, logger } = this.#options;
    const { key: socketKey, address, port } = socket;
    const settings = table.gateway;
    const listener = new HttpListener({ socketKey, address, port, handler, counts, logger, settings });
    try {
      return { listener, boundPort: (await listener.open()).port };
    } catch (error) {
      return listenProblem(socket, table, error);
    }
  }

  /**
   * A port that moves to another address cannot be open on both (`0.0.0.0` takes them all), so the old one stops accepting
   * first. Its connections stay.
   */
  #yieldPort(socket: TableSocket, table: Table): OpenPort[] {
    const yielding = [...this.#open.entries()].filter(
      ([key, { boundPort }]) => boundPort === socket.port && !table.sockets.has(key),
    );
    return yielding.map(([key, open]) => {
      this.#close(key);
      return open;
    });
  }

  async #rollback(opened: Map<string, OpenPort>, yielded: OpenPort[]): Promise<void> {
    for (const { listener } of opened.values()) listener.destroy();
    for (const { listener } of yielded) await this.#reopen(listener);
  }

  async #reopen(listener: HttpListener): Promise<void> {
    const again = new HttpListener(listener.options);
    try {
      const { port: boundPort } = await again.open();
      this.#open.set(again.socketKey, { listener: again, boundPort });
      again.goLive();
    } catch (error) {
      const { address, port } = listener;
      this.#options.logger.error(
        { address, port, err: error },
        'a port that had been given up cannot be opened again',
      );
    }
  }

  #commit(table: Table, opened: Map<string, OpenPort>): void {
    for (const key of this.#open.keys()) if (!table.sockets.has(key)) this.#close(key);
    for (const [key, open] of opened) this.#open.set(key, open);
    for (const { listener } of this.#open.values()) listener.configure(table.gateway);
    for (const { listener } of opened.values()) listener.goLive();
    this.#log(table);
    for (const listener of this.#draining) if (listener.connections === 0) this.#draining.delete(listener);
  }

  #close(key: string): void {
    const open = this.#open.get(key);
    if (open === undefined) return;
    this.#open.delete(key);
    open.listener.stopAccepting();
    this.#draining.add(open.listener);
  }

  /** A line for each listener of the Gateway, when it is new or its port is. */
  #log(table: Table): void {
    const current = new Set<string>();
    for (const { key, listeners, address } of table.sockets.values()) {
      const port = this.boundPort(key) ?? 0;
      for (const { spec } of listeners) {
        const line = `${spec.name} ${key} ${port}`;
        current.add(line);
        if (this.#logged.has(line)) continue;
        logListening(this.#options.logger.child({ name: spec.name }), 'http', { address, port });
      }
    }
    this.#logged.clear();
    for (const line of current) this.#logged.add(line);
  }
}

function listenProblem(socket: TableSocket, table: Table, error: unknown): NodeProblem {
  const code = systemCodeOf(error);
  const [listener] = socket.listeners;
  const where = formatListenAddress({ host: socket.address, port: socket.port });
  const why = code === undefined ? messageOf(error) : `${phrases[code] ?? messageOf(error)} (${code})`;
  return create(NodeProblemSchema, {
    reason: 'listener_failed',
    resource: `gateway/${table.gateway.name}`,
    pointer: `/spec/listeners/${listener?.spec.index ?? 0}/port`,
    detail: `cannot listen on ${where}: ${why}`,
  });
}

const phrases: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address in use',
  EACCES: 'not allowed; ports below 1024 need a privilege',
  EADDRNOTAVAIL: 'not an address of this machine',
};
