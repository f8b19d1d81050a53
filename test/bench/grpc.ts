// What does a unary call by gRPC cost, beside nginx's grpc_pass, in the same minutes? One worker each, no access log, messages of 1 KiB both ways.

import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { join } from 'node:path';
import { startChild } from '../kit/child.ts';
import { OwnScope, type Owner } from '../kit/owner.ts';
import { cpuMicroseconds } from '../kit/process-cost.ts';
import { startSystem } from '../kit/processes.ts';
import { gateway, route, service } from '../kit/resources.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { runH2load } from './h2load.ts';
import { findProgram } from './machine.ts';
import { startNginx } from './peers/nginx.ts';
import { freePort, untilServing } from './peers/peer.ts';
import { formatTable } from './table.ts';

const rounds = 5;
const warmUpSeconds = 8;
const messageBytes = 1024;
/** With the ending by which the server knows its type. */
const method = '/bench.v1.Echo/Unary.grpc';

interface Subject {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  readonly costs: number[];
}

/** Prints CPU a call, the median of the rounds, in which the two take turns. */
export async function benchGrpc(seconds: number, print: (line: string) => void): Promise<void> {
  const program = findProgram('h2load');
  if (program === undefined || findProgram('nghttpd') === undefined || findProgram('nginx') === undefined)
    throw new Error('this bench needs h2load, nghttpd and nginx: run scripts/setup-test-deps --bench');
  const scope = new OwnScope();
  try {
    const directory = await tempDir(scope);
    const bodyFile = join(directory, 'message');
    await writeFile(bodyFile, framed(messageBytes));
    const upstreamPort = await startServer(scope, directory);
    const subjects = [await startOurs(scope, upstreamPort), await startPeer(scope, directory, upstreamPort)];
    const run = async ({ port }: Subject, runSeconds: number): Promise<number> => {
      const { requests, failed } = await runH2load({
        program,
        directory,
        url: `http://127.0.0.1:${port}${method}`,
        seconds: runSeconds,
        connections: 10,
        streams: 10,
        headers: { 'content-type': 'application/grpc', te: 'trailers' },
        bodyFile,
      });
      if (failed > 0) throw new Error(`${failed} calls failed`);
      return requests;
    };
    for (const subject of subjects) {
      await checkCall(subject);
      await run(subject, warmUpSeconds);
    }
    for (let round = 0; round < rounds; round += 1)
      for (const subject of subjects) {
        const before = cpuMicroseconds(subject.pid);
        const calls = await run(subject, seconds);
        subject.costs.push((cpuMicroseconds(subject.pid) - before) / calls);
      }
    const medians = subjects.map(({ costs }) => median(costs));
    const rows = subjects.map(({ name, costs }, at) => [
      name,
      medians[at]!.toFixed(1),
      (medians[at]! / medians.at(-1)!).toFixed(2),
      (Math.max(...costs) - Math.min(...costs)).toFixed(1),
    ]);
    print(formatTable(['grpc', 'CPU us', 'of nginx', 'spread'], rows));
  } finally {
    await scope.end();
  }
}

/** A call that failed would be HTTP 200 all the same. */
async function checkCall({ name, port }: Subject): Promise<void> {
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const fields = { ':method': 'POST', ':path': method, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request(fields);
    stream.end(framed(messageBytes));
    const ended = once(stream, 'trailers');
    const answer = Buffer.concat(await stream.toArray());
    const [trailers] = (await ended) as [IncomingHttpHeaders];
    if (trailers['grpc-status'] !== '0' || !answer.equals(framed(messageBytes)))
      throw new Error(`${name} does not carry the call`);
  } finally {
    session.destroy();
  }
}

function framed(bytes: number): Buffer {
  const message = Buffer.alloc(5 + bytes, 'x');
  message[0] = 0;
  message.writeUInt32BE(bytes, 1);
  return message;
}

/** Answers every call with one message, and the trailers of success. */
async function startServer(owner: Owner, directory: string): Promise<number> {
  const root = join(directory, 'root');
  await mkdir(join(root, 'bench.v1.Echo'), { recursive: true });
  await writeFile(join(root, method), framed(messageBytes));
  const types = join(directory, 'mime.types');
  await writeFile(types, 'application/grpc grpc\n');
  const port = await freePort();
  const flags = ['--no-tls', '-d', root, '--trailer', 'grpc-status: 0', `--mime-types-file=${types}`];
  const args = [...flags, '--address=127.0.0.1', '--max-concurrent-streams=1000', String(port)];
  const child = startChild(owner, { name: 'nghttpd', command: findProgram('nghttpd')!, args });
  await untilServing(child, port);
  return port;
}

async function startPeer(owner: Owner, directory: string, upstreamPort: number): Promise<Subject> {
  const { pid, http2Port } = await startNginx(
    { owner, directory },
    (port, listenPort) => `
  upstream behind { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    listen 127.0.0.1:${listenPort} http2;
    location / { grpc_pass grpc://behind; }
  }`,
  );
  return { name: 'nginx', pid, port: http2Port!, costs: [] };
}

async function startOurs(owner: Owner, upstreamPort: number): Promise<Subject> {
  const { nodes } = await startSystem(owner, {
    workers: 1,
    resources: [
      gateway({ accessLog: { enabled: false } }),
      service('echo', [upstreamPort], { protocol: 'grpc' }),
      route('echo', '/bench.v1.Echo', 'echo'),
    ],
  });
  const node = nodes[0]!;
  return { name: 'ours', pid: node.child.pid, port: await node.trafficPort(), costs: [] };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
