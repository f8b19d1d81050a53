// The application behind deploy/examples/events.yaml: a page, and the number of orders as an event stream. To try the example:
// `npx node test/e2e/browser/dashboard-app.ts 9003`.

import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';

const orderEveryMs = 100;
const page = readFileSync(join(import.meta.dirname, 'dashboard.html'));

/** Orders of a day, which all applications see, as they would in a database. */
export class Orders {
  #count = 0;
  readonly #listeners = new Set<() => void>();
  readonly #timer = setInterval(() => this.#add(), orderEveryMs);

  get count(): number {
    return this.#count;
  }

  /** Calls `listener` for each order; gives what ends that. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #add(): void {
    this.#count += 1;
    for (const listener of this.#listeners) listener();
  }
}

export interface DashboardApp {
  readonly server: Server;
  /** The `Last-Event-ID` of each stream so far; undefined for one that begins. */
  readonly lastEventIds: readonly (string | undefined)[];
}

/** Not listening yet. A stream goes on behind the event that its client had last. */
export function createDashboard(orders: Orders): DashboardApp {
  const lastEventIds: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/') response.setHeader('content-type', 'text/html').end(page);
    else if (request.url !== '/orders') response.writeHead(404).end();
    else {
      const last = request.headers['last-event-id'];
      lastEventIds.push(last?.toString());
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
      let sent = Number(last ?? orders.count);
      const send = (): void => {
        for (; sent < orders.count; sent += 1) response.write(`id: ${sent + 1}\ndata: ${sent + 1}\n\n`);
      };
      response.flushHeaders();
      send();
      response.once('close', orders.watch(send));
    }
  });
  return { server, lastEventIds };
}

if (import.meta.main) createDashboard(new Orders()).server.listen(Number(process.argv[2]), '127.0.0.1');
