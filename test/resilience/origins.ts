// Origin servers of others, as a second and third opinion on how many requests some bytes hold.

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { findProgram } from '../bench/machine.ts';
import { nginxConfiguration } from '../bench/peers/nginx.ts';
import { freePort, untilServing } from '../bench/peers/peer.ts';
import { startChild } from '../kit/child.ts';
import type { Owner } from '../kit/owner.ts';
import { parseResponse } from '../kit/raw-response.ts';
import { tempDir } from '../kit/temp-dir.ts';

export interface Origin {
  readonly name: string;
  readonly port: number;
}

const answerTimeoutMs = 5000;

/** Those that are installed, each answering every request at once with a status and no more. */
export async function startOrigins(owner: Owner): Promise<readonly Origin[]> {
  const directory = await tempDir(owner);
  const origins: Origin[] = [];
  const nginx = findProgram('nginx');
  if (nginx !== undefined) {
    const port = await freePort();
    const file = join(directory, 'nginx.conf');
    const server = `server { listen 127.0.0.1:${port}; location / { return 200 ok; } }`;
    await writeFile(file, nginxConfiguration(directory, server));
    const args = ['-p', directory, '-c', file, '-e', 'stderr'];
    origins.push({
      name: 'nginx',
      port: (await untilServing(startChild(owner, { name: 'nginx', command: nginx, args }), port)).port,
    });
  }
  const haproxy = findProgram('haproxy');
  if (haproxy !== undefined) {
    const port = await freePort();
    const file = join(directory, 'haproxy.cfg');
    await writeFile(file, haproxyConfiguration(port));
    const args = ['-f', file, '-db', '-q'];
    origins.push({
      name: 'haproxy',
      port: (await untilServing(startChild(owner, { name: 'haproxy', command: haproxy, args }), port)).port,
    });
  }
  return origins;
}

function haproxyConfiguration(port: number): string {
  return `defaults
  mode http
  timeout client 5s
  timeout connect 5s
  timeout server 5s
frontend origin
  bind 127.0.0.1:${port}
  http-request wait-for-body time 5s
  http-request return status 200 content-type text/plain string ok
`;
}

/** Comes behind everything else, so that the origin says by its end that there is no more. */
const last = Buffer.from('GET /last HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n');

/** Statuses of the responses to the whole requests in `bytes`, and to one more. HEAD is told by `isHead`. */
export async function statusesFrom(
  { port }: Origin,
  bytes: Buffer,
  isHead: (index: number) => boolean,
): Promise<number[]> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  socket.setTimeout(answerTimeoutMs, () => void socket.destroy());
  socket.write(Buffer.concat([bytes, last]));
  await once(socket, 'close');
  const statuses: number[] = [];
  for (let rest = Buffer.concat(chunks); ; ) {
    const parsed = parseResponse(rest, { head: isHead(statuses.length), ended: true });
    if (parsed === undefined) return statuses;
    rest = rest.subarray(parsed.bytesUsed);
    if (parsed.response.status >= 200) statuses.push(parsed.response.status);
  }
}
