import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startChild } from '../../kit/child.ts';
import { findProgram, versionOf } from '../machine.ts';
import { freePort, type Peer, untilServing } from './peer.ts';

/** `isHttp2`: how the upstream is spoken to. */
function peer(name: string, isHttp2: boolean): Peer {
  return {
    name,
    logs: true,
    version() {
      const program = findProgram('haproxy');
      return program === undefined ? undefined : versionOf(program, '-v');
    },
    async start({ owner, directory, upstreamPort, upstreamHttp2Port }) {
      const port = await freePort();
      const http2Port = await freePort();
      const file = join(directory, 'haproxy.cfg');
      await writeFile(
        file,
        `
global
  nbthread 1
  maxconn 12000
  no strict-limits
  log stdout len 1024 format raw local0 info
defaults
  mode http
  log global
  option httplog
  timeout connect 5s
  timeout client 3600s
  timeout server 60s
  option http-keep-alive
  option forwardfor
  http-reuse always
frontend in
  bind 127.0.0.1:${port}
  bind 127.0.0.1:${http2Port} proto h2
  unique-id-format %[uuid()]
  unique-id-header x-request-id
  http-request set-header x-forwarded-proto http
  default_backend behind
backend behind
  server one 127.0.0.1:${isHttp2 ? `${upstreamHttp2Port} proto h2` : upstreamPort} pool-max-conn 128
`,
      );
      const command = findProgram('haproxy') ?? 'haproxy';
      const child = startChild(owner, {
        name: 'haproxy',
        command,
        args: ['-f', file, '-db', '-q'],
        stdoutFile: join(directory, 'access.log'),
      });
      return { ...(await untilServing(child, port)), http2Port };
    },
  };
}

export const haproxy = peer('haproxy', false);
/** With an upstream of HTTP/2. */
export const haproxyH2c = peer('haproxy-h2c', true);
