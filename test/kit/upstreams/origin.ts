// An upstream that answers as its test says, and remembers what it was asked.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Owner } from '../owner.ts';
import { listen } from './listen.ts';

export type Script = (request: IncomingMessage, response: ServerResponse) => void;

export interface Origin {
  readonly port: number;
  /** Answers requests to this path, without the query; every other one is 404. */
  on(path: string, script: Script): void;
  /** Of this path, in order: `GET /a?b`. */
  asked(path: string): readonly IncomingMessage[];
}

export async function startOrigin(owner: Owner): Promise<Origin> {
  const scripts = new Map<string, Script>();
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    const script = scripts.get(pathOf(request));
    if (script !== undefined) script(request, response);
    else response.writeHead(404).end();
  });
  const port = await listen(owner, server);
  return {
    port,
    on: (path, script) => void scripts.set(path, script),
    asked: (path) => requests.filter((request) => pathOf(request) === path),
  };
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0]!;
}
