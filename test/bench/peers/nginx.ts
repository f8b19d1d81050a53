// nginx: the upstream of every proxy, and the one that the others are measured by.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startChild } from '../../kit/child.ts';
import { findProgram, versionOf } from '../machine.ts';
import { largeBytes, smallBytes } from '../scenarios.ts';
import { freePort, type Peer, type PeerContext, type RunningPeer, untilServing } from './peer.ts';

/** One process without a master; temporary files beside the configuration, so that it needs no root. No log unless `http` wants one. */
export function nginxConfiguration(directory: string, http: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(directory, kind)};`,
  );
  return `
daemon off;
master_process off;
pid ${join(directory, 'nginx.pid')};
error_log stderr crit;
events { worker_connections 19000; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  client_max_body_size 0;
  ${temporary.join('\n  ')}
  ${http}
}
`;
}

/** `http`: what stands in its block, for these ports. */
export async function startNginx(
  context: Pick<PeerContext, 'owner' | 'directory'>,
  http: (port: number, http2Port: number) => string,
): Promise<RunningPeer> {
  const { owner, directory } = context;
  const port = await freePort();
  const http2Port = await freePort();
  const file = join(directory, 'nginx.conf');
  await writeFile(file, nginxConfiguration(directory, http(port, http2Port)));
  const args = ['-p', directory, '-c', file, '-e', 'stderr'];
  const child = startChild(owner, { name: 'nginx', command: findProgram('nginx') ?? 'nginx', args });
  return { ...(await untilServing(child, port)), http2Port };
}

/** The upstream of all scenarios. An upload is read to its end before it is answered: an early answer would let a proxy skip it. */
export async function startNginxUpstream(
  context: Pick<PeerContext, 'owner' | 'directory'>,
): Promise<RunningPeer> {
  await writeFile(join(context.directory, 'large'), Buffer.alloc(largeBytes, 'x'));
  return startNginx(
    context,
    (port, http2Port) => `
  server {
    listen 127.0.0.1:${port};
    listen 127.0.0.1:${http2Port} http2;
    location / { return 200 "${'x'.repeat(smallBytes)}"; }
    location = /large { root ${context.directory}; sendfile on; }
    location = /upload {
      client_body_buffer_size 2m;
      proxy_pass http://127.0.0.1:${port}/;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
    }
  }`,
  );
}

const jsonFormat = `log_format json escape=json '{"time":"$time_iso8601","client":"$remote_addr","method":"$request_method",'
    '"host":"$host","path":"$uri","status":$status,"duration":$request_time,"upstream":"$upstream_response_time",'
    '"bytesIn":$request_length,"bytesOut":$body_bytes_sent,"requestId":"$request_id","endpoint":"$upstream_addr"}';`;

function locationOf(path: string, more: string): string {
  return `location ${path} {
      proxy_pass http://behind;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Request-Id $request_id;
      ${more}
    }`;
}

/** `log` is what the directive access_log says behind the file. */
function peer(name: string, log: string): Peer {
  return {
    name,
    logs: true,
    version() {
      const program = findProgram('nginx');
      return program === undefined ? undefined : versionOf(program, '-v');
    },
    async start(context) {
      const tlsPort = await freePort();
      const [chain, key] = ['certificate', 'key'].map((part) => join(context.directory, `${part}.pem`));
      await writeFile(chain!, context.certificate.certificate);
      await writeFile(key!, context.certificate.key);
      const running = await startNginx(
        context,
        (port, http2Port) => `
  ${jsonFormat}
  access_log ${join(context.directory, 'access.log')} ${log};
  upstream behind { server 127.0.0.1:${context.upstreamPort}; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    listen 127.0.0.1:${tlsPort} ssl;
    ssl_certificate ${chain};
    ssl_certificate_key ${key};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_prefer_server_ciphers on;
    listen 127.0.0.1:${http2Port} http2;
    ${locationOf('/', 'proxy_set_header Connection "";')}
    ${locationOf('/websocket', 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; proxy_read_timeout 1h;')}
    ${locationOf('/events', 'proxy_set_header Connection ""; proxy_buffering off;')}
  }`,
      );
      return { ...running, tlsPort };
    },
  };
}

/** With the log that it writes by default: a line for each request, at once. */
export const nginx = peer('nginx', 'combined');
/** With lines of ours, in batches as ours: a write for a thousand requests in the place of one for each. */
export const nginxBuffered = peer('nginx-buffered', 'json buffer=64k flush=50ms');
