/** The ports of a node, opened and closed as tables come and go. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NodeProblem } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { logListening } from '@causeway/runtime/listening-line';

import type { Table, TableSocket } from '../table/table.ts';
import { type Home, homeFinder, isSameAddress, isWildcard } from './address-cover.ts';
import { assertPortFree } from './assert-port-free.ts';
import { HttpListener, type ListenerContext } from './http-listener.ts';
import { listenProblem } from './listen-problem.ts';

/** Ports that are open for a table that is not live yet. */
export interface PreparedPorts {
  /** Of all that is open, and what was opened for it. */
  readonly boundPorts: BoundPorts;
  /** After the table is live: traffic flows on the new ports, and those that it does not have drain. */
  commit(): void;
  /** The table does not become live. */
  abort(): void;
}

/** Real ports by socket key. */
export type BoundPorts = Readonly<Record<string, number>>;

interface OpenPort {
  readonly listener: HttpListener;
  readonly boundPort: number;
}

/** What a table asks for beyond what is open. */
interface Preparation {
  readonly table: Table;
  readonly taken: BoundPorts | undefined;
  readonly opened: Map<string, OpenPort>;
  /** Old keys by new ones: of open ports that only change their name. */
  readonly renamed: Map<string, string>;
}

/**
 * A port is never closed to make room: sockets of one port on several addresses may be open side by side, so whatever can fail
 * is over before anything changes.
 */
export class Ports {
  readonly #context: ListenerContext;
  /**
   * By socket key. A port whose own key has left the table stays as long as a wider one of the table takes its connections:
   * closing it would reset those that wait to be accepted.
   */
  readonly #open = new Map<string, OpenPort>();
  /** No longer accepting, but with connections. */
  readonly #draining = new Set<OpenPort>();
  readonly #logged = new Set<string>();
  /** Of the live table. */
  #homes: readonly Home[] = [];
  #table: Table | undefined;
  #isDrained = false;

  constructor(context: ListenerContext) {
    this.#context = context;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** The real port of a socket of the table, undefined when it is not open. */
  boundPort(socketKey: string): number | undefined {
    return this.#open.get(socketKey)?.boundPort;
  }

  get boundPorts(): BoundPorts {
    return Object.fromEntries(Array.from(this.#open, ([key, { boundPort }]) => [key, boundPort]));
  }

  /** Whether this node listens on `port` for traffic. */
  has(port: number): boolean {
    for (const { boundPort } of this.#open.values()) if (boundPort === port) return true;
    return false;
  }

  /**
   * Opens what `table` wants and is not open. Problems: nothing has changed. `taken`: real ports by socket key, where another worker of
   * this node has opened them.
   */
  async prepare(table: Table, taken: BoundPorts | undefined): Promise<PreparedPorts | NodeProblem[]> {
    const preparation: Preparation = { table, taken, opened: new Map(), renamed: new Map() };
    const { opened } = preparation;
    const wanted = this.#isDrained ? [] : this.#notOpen(preparation);
    const [apart, beside] = [
      wanted.filter(({ port }) => !this.has(port)),
      wanted.filter(({ port }) => this.has(port)),
    ];
    const problems = await this.#openAll(apart, preparation);
    // A narrower neighbour takes clients from a live port as soon as it is open, a wider one does not: so that comes last.
    beside.sort((one, other) => Number(isWildcard(other.address)) - Number(isWildcard(one.address)));
    if (problems.length === 0) problems.push(...(await this.#openAll(beside, preparation)));
    // What waits at a port that is about to close is accepted before.
    if (problems.length === 0 && beside.length > 0) await acceptWhatWaits();
    if (problems.length > 0 || this.#isDrained) this.#rollback(opened);
    if (problems.length > 0) return problems;
    const boundPorts = { ...this.boundPorts };
    for (const [key, { boundPort }] of opened) boundPorts[key] = boundPort;
    return {
      boundPorts,
      commit: () => this.#commit(preparation),
      abort: () => this.#rollback(opened),
    };
  }

  /** Closes every port, for good, when what waits at them is accepted; connections end as their exchanges do. */
  async drain(): Promise<void> {
    await acceptWhatWaits();
    this.#closeAll();
  }

  #closeAll(): void {
    this.#isDrained = true;
    this.#homes = [];
    for (const key of this.#open.keys()) this.#house(key);
    this.#settleDraining();
  }

  get connections(): number {
    let sum = 0;
    for (const { listener } of this.#open.values()) sum += listener.connections;
    for (const { listener } of this.#draining) sum += listener.connections;
    return sum;
  }

  /** Cuts every connection. */
  destroy(): void {
    this.#closeAll();
    for (const { listener } of this.#draining) listener.destroy();
    this.#draining.clear();
  }

  /** The sockets of the table to open. Those that are open under another key are noted instead. */
  #notOpen({ table, renamed }: Preparation): TableSocket[] {
    return [...table.sockets.values()].filter(({ key, address, port }) => {
      if (this.#open.has(key)) return false;
      for (const [oldKey, { listener, boundPort }] of this.#open) {
        if (boundPort !== port || table.sockets.has(oldKey) || !isSameAddress(listener.address, address))
          continue;
        renamed.set(key, oldKey);
        return false;
      }
      return true;
    });
  }

  /** Opens as many as it can. */
  async #openAll(
    sockets: readonly TableSocket[],
    { table, taken, opened }: Preparation,
  ): Promise<NodeProblem[]> {
    const problems: NodeProblem[] = [];
    for (const socket of sockets) {
      const ours = [...this.#open.values(), ...opened.values()];
      try {
        if (taken === undefined) await this.#assertFree(socket, ours);
        opened.set(socket.key, await this.#openPort(socket, table, taken?.[socket.key] ?? socket.port));
      } catch (error) {
        problems.push(listenProblem(socket, table, error));
      }
    }
    return problems;
  }

  async #assertFree({ address, port }: TableSocket, ours: readonly OpenPort[]): Promise<void> {
    const onPort = ours.filter(({ boundPort }) => boundPort === port);
    await assertPortFree(
      address,
      port,
      onPort.map(({ listener }) => listener.address),
    );
  }

  async #openPort(socket: TableSocket, table: Table, port: number): Promise<OpenPort> {
    const { key: socketKey, address, front } = socket;
    const settings = table.gateway;
    const listener = new HttpListener(this.#context, { socketKey, address, port, settings, front });
    return { listener, boundPort: (await listener.open()).port };
  }

  /** A new port that took clients from a live one stays and serves them as that one would: closing it would reset some. */
  #rollback(opened: Map<string, OpenPort>): void {
    for (const [key, open] of opened) {
      const { listener, boundPort } = open;
      if (homeFinder(this.#homes, boundPort)(listener.address) === undefined) {
        listener.destroy();
      } else {
        this.#open.set(key, open);
        this.#house(key);
        this.#configure(listener);
        listener.goLive();
      }
    }
    opened.clear();
  }

  #commit({ table, taken, opened, renamed }: Preparation): void {
    for (const [key, oldKey] of renamed) {
      const open = this.#open.get(oldKey);
      if (open !== undefined) this.#open.set(key, open);
      this.#open.delete(oldKey);
    }
    for (const [key, open] of opened) this.#open.set(key, open);
    this.#homes = Array.from(this.#open, ([key, { listener, boundPort }]) => {
      return { key, address: listener.address, port: boundPort };
    }).filter(({ key }) => table.sockets.has(key));
    for (const key of this.#open.keys()) this.#house(key);
    this.#settleDraining();
    this.#table = table;
    for (const { listener } of [...this.#open.values(), ...this.#draining]) this.#configure(listener);
    for (const { listener } of opened.values()) listener.goLive();
    // One worker tells of a port that all of them have.
    if (taken === undefined) this.#log(table);
  }

  /** As the live table wants it. */
  #configure(listener: HttpListener): void {
    const table = this.#table;
    if (table !== undefined) listener.configure(table.gateway, table.sockets.get(listener.socketKey)?.front);
  }

  /** Has an open port and its connections serve what the live table has there, or closes it. */
  #house(key: string): void {
    const open = this.#open.get(key);
    if (open === undefined) return;
    const { listener, boundPort } = open;
    const homeOf = homeFinder(this.#homes, boundPort);
    const home = homeOf(listener.address);
    if (home === undefined) this.#close(key, open);
    else listener.socketKey = home;
    listener.settle(homeOf);
  }

  /** Connections outlive the port that accepted them while the table has another in its place. */
  #settleDraining(): void {
    for (const open of this.#draining) {
      if (open.listener.connections === 0) this.#draining.delete(open);
      else open.listener.settle(homeFinder(this.#homes, open.boundPort));
    }
  }

  #close(key: string, open: OpenPort): void {
    this.#open.delete(key);
    open.listener.stopAccepting();
    this.#draining.add(open);
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
        logListening(this.#context.logger.child({ name: spec.name }), 'http', { address, port });
      }
    }
    this.#logged.clear();
    for (const line of current) this.#logged.add(line);
  }
}

/** A turn of the event loop from its beginning; the one that has begun may have looked at the sockets already. */
async function acceptWhatWaits(): Promise<void> {
  await nextTurn();
  await nextTurn();
}
