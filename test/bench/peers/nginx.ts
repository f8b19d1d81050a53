// nginx: the upstream of every proxy, and the one that the others are measured by.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startChild } from '../../kit/child.ts';
import { findProgram, versionOf } from '../machine.ts';
import { freePort, type Peer, type PeerContext, type RunningPeer, untilServing } from './peer.ts';

/** One process without a master; temporary files beside the configuration, so that it needs no root. */
export function nginxConfiguration(directory: string, http: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(directory, kind)};`,
  );
  return `
daemon off;
master_process off;
pid ${join(directory, 'nginx.pid')};
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 75s;
  ${temporary.join('\n  ')}
  ${http}
}
`;
}

async function startNginx(
  context: Omit<PeerContext, 'upstreamPort'>,
  http: (port: number) => string,
): Promise<RunningPeer> {
  const { owner, directory } = context;
  const port = await freePort();
  const file = join(directory, 'nginx.conf');
  await writeFile(file, nginxConfiguration(directory, http(port)));
  const args = ['-p', directory, '-c', file, '-e', 'stderr'];
  return untilServing(
    startChild(owner, { name: 'nginx', command: findProgram('nginx') ?? 'nginx', args }),
    port,
  );
}

/** Answers every request with 200 and `bodyBytes` bytes. */
export async function startNginxUpstream(
  context: Omit<PeerContext, 'upstreamPort'>,
  bodyBytes: number,
): Promise<RunningPeer> {
  return startNginx(
    context,
    (port) => `server { listen 127.0.0.1:${port}; location / { return 200 "${'x'.repeat(bodyBytes)}"; } }`,
  );
}

export const nginx: Peer = {
  name: 'nginx',
  version() {
    const program = findProgram('nginx');
    return program === undefined ? undefined : versionOf(program, '-v');
  },
  start: (context) =>
    startNginx(
      context,
      (port) => `
  upstream behind { server 127.0.0.1:${context.upstreamPort}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://behind;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Request-Id $request_id;
    }
  }`,
    ),
};
