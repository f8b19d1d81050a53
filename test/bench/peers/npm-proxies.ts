// The two proxies of npm, each in a Node process of its own.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from '../../kit/child.ts';
import { repository } from '../../kit/processes.ts';
import { freePort, type Peer, untilServing } from './peer.ts';

function npmProxy(packageName: string, script: string, logs: boolean): Peer {
  return {
    name: packageName,
    logs,
    version() {
      const file = join(repository, 'node_modules', packageName, 'package.json');
      const { version }: { version: string } = JSON.parse(readFileSync(file, 'utf8'));
      return version;
    },
    async start({ owner, directory, upstreamPort }) {
      const port = await freePort();
      const args = [join(import.meta.dirname, '..', script), String(port), String(upstreamPort)];
      const stdoutFile = join(directory, 'access.log');
      const env = { NODE_ENV: 'production' };
      return untilServing(
        startChild(owner, { name: packageName, command: process.execPath, args, env, stdoutFile }),
        port,
      );
    },
  };
}

export const httpProxy3 = npmProxy('http-proxy-3', 'serve-http-proxy-3.ts', false);
export const fastifyHttpProxy = npmProxy('@fastify/http-proxy', 'serve-fastify-http-proxy.ts', true);
