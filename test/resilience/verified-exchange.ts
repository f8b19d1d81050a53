// One exchange of which every byte is checked on both ways, as a plan says: sizes, framing, pace, and who breaks off.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  type Agent,
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type ClientRequest,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Owner } from '../kit/owner.ts';
import { seededRandom } from '../kit/seeded-random.ts';
import { listen, type Upstream } from '../kit/upstreams/listen.ts';
import type { ServerCertificate } from '../kit/upstreams/tls.ts';
import { bodyBytesMax, bodyOf, differenceIn } from './seeded-body.ts';

/** Travels in the request target, so that the upstream knows it too. */
export interface Plan {
  readonly seed: number;
  /** 0 = a GET. */
  readonly uploadBytes: number;
  readonly downloadBytes: number;
  readonly isChunked: boolean;
  /** Upload and download at once; else the answer begins behind the last byte of the request. */
  readonly isAtOnce: boolean;
  readonly isSlowUpstream: boolean;
  readonly isSlowClient: boolean;
  /** Who gives up in the middle of the download. */
  readonly breaksOff: 'nobody' | 'client' | 'upstream';
}

export type Outcome = 'complete' | 'broken off';

/** Hex digits of SHA-256 of the request's body, behind the body of the response. */
const hashBytes = 64;
const smallBytesMax = 300_000;
/** Beyond what kernels take off a gateway's hands. */
const largeShare = 0.1;
const pieceBytesMax = 40_000;
const pauseMsMax = 8;
/** Of a slow client before its first read: what does not fit into the kernels waits in the gateway meanwhile. */
const firstReadMs = 150;
/** An exchange that takes so long hangs. */
const lateMs = 60_000;

export function randomPlan(random: () => number): Plan {
  const uploadBytes = random() < 0.5 ? 0 : randomSize(random);
  const downloadBytes = randomSize(random);
  const who = random();
  return {
    seed: Math.floor(random() * 0x7fffffff),
    uploadBytes,
    downloadBytes,
    isChunked: random() < 0.5,
    isAtOnce: random() < 0.5,
    isSlowUpstream: random() < 0.25,
    // Where memory is in use for long.
    isSlowClient: random() < (downloadBytes > smallBytesMax ? 0.8 : 0.3),
    breaksOff: who < 0.1 ? 'client' : who < 0.6 ? 'upstream' : 'nobody',
  };
}

/** All orders of magnitude alike, and now and then one that is too large for the kernels. */
function randomSize(random: () => number): number {
  if (random() < largeShare) return Math.floor((0.5 + random() / 2) * bodyBytesMax);
  return Math.max(1, Math.floor(smallBytesMax ** random()));
}

/** An upstream that does its part of every plan. */
export async function startVerifying(owner: Owner, tls?: ServerCertificate): Promise<Upstream> {
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    // Whatever breaks off is for the client to see.
    answer(request, response).catch(() => request.socket.destroy());
  };
  const server =
    tls === undefined ? createServer(serve) : createTlsServer({ cert: tls.certificate, key: tls.key }, serve);
  return { port: await listen(owner, server) };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const plan: Plan = JSON.parse(decodeURIComponent(request.url!.split('?')[1]!));
  const gone = goneWith(response);
  const hashed = hashOf(request, plan);
  // It is waited for below, if nothing breaks before.
  hashed.catch(() => {});
  if (!plan.isAtOnce) await hashed;
  if (!plan.isChunked) response.setHeader('content-length', plan.downloadBytes + hashBytes);
  for (const piece of piecesOf(bodyOf(plan.seed, plan.downloadBytes), plan, 1)) {
    if (plan.breaksOff === 'upstream' && piece.offset > plan.downloadBytes / 2)
      return void request.socket.destroy();
    if (!response.write(piece.bytes)) await once(response, 'drain', { signal: gone });
    if (plan.isSlowUpstream) await sleep(piece.pauseMs);
  }
  response.end(await hashed);
}

async function hashOf(request: IncomingMessage, { isSlowUpstream }: Plan): Promise<string> {
  const hash = createHash('sha256');
  if (isSlowUpstream) await sleep(pauseMsMax);
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk);
    if (isSlowUpstream) await sleep(1);
  }
  return hash.digest('hex');
}

/** For waits that nothing else would end. */
function goneWith(message: ServerResponse | ClientRequest): AbortSignal {
  const gone = new AbortController();
  message.once('close', () => gone.abort());
  return gone.signal;
}

interface Piece {
  readonly offset: number;
  readonly bytes: Buffer;
  readonly pauseMs: number;
}

/** Of sizes that the seed says; `salt` sets upload and download apart. */
function* piecesOf(body: Buffer, { seed }: Plan, salt: number): Generator<Piece> {
  const random = seededRandom(seed + salt);
  for (let offset = 0; offset < body.length; ) {
    const bytes = body.subarray(offset, offset + Math.ceil(pieceBytesMax ** random()));
    yield { offset, bytes, pauseMs: Math.floor(random() * 2) * Math.floor(random() * pauseMsMax) };
    offset += bytes.length;
  }
}

/** Plays the client's part. Throws when anything comes that does not belong there, or something ends that should not. */
export async function exchange(agent: Agent, port: number, route: string, plan: Plan): Promise<Outcome> {
  const { uploadBytes, isChunked } = plan;
  const counted = uploadBytes > 0 && !isChunked;
  const request = httpRequest({
    agent,
    port,
    host: '127.0.0.1',
    method: uploadBytes > 0 ? 'POST' : 'GET',
    path: `/${route}?${encodeURIComponent(JSON.stringify(plan))}`,
    headers: { host: 'a.test', ...(counted && { 'content-length': uploadBytes }) },
  });
  const failed = once(request, 'error').then(([error]: unknown[]) => {
    throw error;
  });
  // Whoever waits for it is below, and a second error says no more than the first.
  failed.catch(() => {});
  request.on('error', () => {});
  let hang: Fault | undefined;
  const late = setTimeout(() => {
    hang = new Fault(`not over within ${lateMs} ms`);
    request.destroy(hang);
  }, lateMs);
  const uploaded = upload(request, plan).catch(() => {});
  try {
    const [response] = (await Promise.race([once(request, 'response'), failed])) as [IncomingMessage];
    const outcome = await download(response, request, plan);
    if (outcome === 'complete') await uploaded;
    return outcome;
  } catch (error) {
    request.destroy();
    const fault = hang ?? error;
    if (fault instanceof Fault || plan.breaksOff === 'nobody') throw described(fault, plan);
    return 'broken off';
  } finally {
    clearTimeout(late);
  }
}

async function upload(request: ClientRequest, plan: Plan): Promise<void> {
  const gone = goneWith(request);
  for (const piece of piecesOf(bodyOf(plan.seed + 1, plan.uploadBytes), plan, 2)) {
    if (!request.write(piece.bytes)) await once(request, 'drain', { signal: gone });
    if (plan.isSlowClient) await sleep(piece.pauseMs);
    if (request.destroyed) return;
  }
  request.end();
}

async function download(response: IncomingMessage, request: ClientRequest, plan: Plan): Promise<Outcome> {
  const { seed, downloadBytes, isSlowClient, breaksOff } = plan;
  if (breaksOff === 'upstream' && response.statusCode === 502) {
    response.resume();
    await once(response, 'end');
    return 'broken off';
  }
  if (response.statusCode !== 200) throw new Fault(`status ${response.statusCode}`);
  if (isSlowClient) await sleep(firstReadMs);
  let received = 0;
  let tail = '';
  for await (const chunk of response as AsyncIterable<Buffer>) {
    const ours = chunk.subarray(0, Math.max(downloadBytes - received, 0));
    const difference = differenceIn(ours, seed, received);
    if (difference !== undefined) throw new Fault(difference);
    received += chunk.length;
    tail += chunk.toString('latin1', ours.length);
    if (breaksOff === 'client' && received > downloadBytes / 2) {
      request.destroy();
      return 'broken off';
    }
    if (isSlowClient) await sleep(1);
  }
  if (!response.complete) throw new Error('the response is not complete');
  const hash = createHash('sha256')
    .update(bodyOf(seed + 1, plan.uploadBytes))
    .digest('hex');
  if (tail !== hash)
    throw new Fault(`the upstream got another body, or the response has a wrong end: ${tail.slice(0, 200)}`);
  return 'complete';
}

/** Bytes that are not what they should be, or none for too long: never in order, whoever breaks off. */
class Fault extends Error {
  override readonly name = 'Fault';
}

function described(error: unknown, plan: Plan): Error {
  return new Error(`${String(error)}; plan ${JSON.stringify(plan)}`, { cause: error });
}
