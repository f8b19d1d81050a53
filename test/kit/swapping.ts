// A gateway whose table is swapped again and again in two places at once, so that an answer that mixes two tables can be told.

import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { type Http2Load, startHttp2Load } from './http2-load.ts';
import { type Load, startLoad } from './load.ts';
import type { Owner } from './owner.ts';
import { startSystem, type System } from './processes.ts';
import type { RawResponse } from './raw-response.ts';
import { gateway, type Resource, route, service } from './resources.ts';
import { type Echo, startEcho } from './upstreams/echo.ts';

/** An odd and an even table. The Route says which upstream answers, the Gateway which path it gets: they must belong together. */
const tables = [
  { upstream: 'even', mergeSlashes: true, target: '/x' },
  { upstream: 'odd', mergeSlashes: false, target: '//x' },
] as const;

export interface Swapping {
  readonly system: System;
  /** Of the node's listeners: plain, and with TLS. */
  readonly port: number;
  readonly tlsPort: number;
  /** Puts the other table in place; resolves when the node has it. */
  swap(): Promise<void>;
  /** Load of requests whose answers fail when they mix two tables; `close` opens a connection for every request. */
  startLoad(connection: 'keep-alive' | 'close', connections: number): Load;
  /** The same over TLS, kept alive. */
  startTlsLoad(connections: number): Load;
  /** Over HTTP/2, by prior knowledge or over TLS; answers are not looked into. */
  startHttp2Load(scheme: 'http' | 'https', connections: number): Http2Load;
  /** Answers of each table so far. */
  readonly answers: readonly [even: number, odd: number];
}

export async function startSwapping(owner: Owner): Promise<Swapping> {
  const upstreams = await Promise.all(tables.map(({ upstream }) => startEcho(owner, upstream)));
  const services = tables.map(({ upstream }, index) => service(upstream, [upstreams[index]!.port]));
  const authority = await TestAuthority.create();
  const www = await authority.issue({ names: ['a.test'] });
  const certificate = { kind: 'Certificate', metadata: { name: 'www' }, spec: { ...www } };
  const system = await startSystem(owner, { resources: [certificate, ...services, ...resourcesOf(0)] });
  const [port, tlsPort] = [
    await system.nodes[0]!.trafficPort('http'),
    await system.nodes[0]!.trafficPort('https'),
  ];
  const load = (connection: string, connections: number, tls: boolean): Load =>
    startLoad(owner, {
      port: tls ? tlsPort : port,
      tls,
      connections,
      request: `GET //x HTTP/1.1\r\nhost: a.test\r\nconnection: ${connection}\r\n\r\n`,
      faultOf: (response) => judge(response, answers),
    });
  const answers: [number, number] = [0, 0];
  let swaps = 0;
  return {
    system,
    port,
    tlsPort,
    answers,
    async swap() {
      swaps += 1;
      await system.apply(resourcesOf(swaps));
    },
    startLoad: (connection, connections) => load(connection, connections, false),
    startTlsLoad: (connections) => load('keep-alive', connections, true),
    startHttp2Load: (scheme, connections) =>
      startHttp2Load(owner, {
        url: `${scheme}://localhost:${scheme === 'https' ? tlsPort : port}//x`,
        connections,
      }),
  };
}

function resourcesOf(swap: number): Resource[] {
  const { upstream, mergeSlashes } = tables[swap % 2]!;
  const on = (name: string) => ({ name, address: '127.0.0.1', port: 0 });
  const tls = { protocol: 'https', tls: { certificates: ['www'] } };
  const listeners = [on('http'), { ...on('https'), ...tls }];
  return [gateway({ listeners, paths: { mergeSlashes } }), route('loaded', '/', upstream)];
}

function judge({ status, body }: RawResponse, answers: [number, number]): string | undefined {
  if (status !== 200) return `status ${status}`;
  const { upstream, target }: Echo = JSON.parse(body.toString());
  const index = tables.findIndex((table) => table.upstream === upstream);
  if (tables[index]?.target !== target) return `mixed: ${upstream} got ${target}`;
  answers[index === 0 ? 0 : 1] += 1;
  return undefined;
}
