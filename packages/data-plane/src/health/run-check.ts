/** One check of an endpoint: a new connection, one question, one judgement. */

import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { CancelTimer, Clock } from '@causeway/runtime/clock';
import { formatDuration } from '@causeway/runtime/duration';
import { formatListenAddress } from '@causeway/runtime/listen-address';

import type { OwnPorts } from '../upstream/address-guard.ts';
import type { UpstreamProtocol } from '../upstream/endpoint-pool.ts';
import { openSocket, type SocketTarget } from '../upstream/open-socket.ts';
import type { UpstreamTls } from '../upstream/tls-settings.ts';
import { checkFailure, isOwnShortage } from '../upstream/upstream-failures.ts';
import type { ActiveCheck } from './active-check.ts';
import { askHttp1 } from './ask-http1.ts';
import { askHttp2 } from './ask-http2.ts';
import type { CheckAnswer, CheckQuestion } from './check-answer.ts';
import { grpcHealthQuestion, judgeGrpcHealth } from './grpc-health.ts';

/** How the endpoints of a Service are spoken to, checks included. */
export interface CheckedService {
  readonly check: ActiveCheck;
  readonly protocol: UpstreamProtocol;
  readonly tls: UpstreamTls | undefined;
}

export interface CheckContext {
  /** Whose monotonic time stands still while this process does: what nobody could answer in time is no failure. */
  readonly clock: Clock;
  readonly ownPorts: OwnPorts;
}

/** What a check has found out; undefined: nothing, for want of something on this machine. */
export type CheckResult =
  | { readonly isGood: true }
  /** What is wrong, in a few words. */
  | { readonly isGood: false; readonly detail: string }
  | undefined;

const userAgent = 'causeway-health-check';

/** Never rejects. */
export async function runCheck(
  service: CheckedService,
  endpoint: SocketTarget,
  { clock, ownPorts }: CheckContext,
): Promise<CheckResult> {
  const { check, tls } = service;
  const giveUp = new AbortController();
  const late = `timeout after ${formatDuration(check.timeoutMs)}`;
  const cancel = afterAwake(clock, check.timeoutMs, () => giveUp.abort());
  const target = { ...endpoint, port: check.port ?? endpoint.port };
  let socket: Socket | undefined;
  try {
    const alpnProtocol = isHttp2(service) ? 'h2' : 'http/1.1';
    const opening = openSocket({ target, tls, alpnProtocol, session: undefined, ownPorts });
    socket = opening.socket;
    const ends = endOf(socket, giveUp.signal);
    await Promise.race([once(socket, opening.readyEvent), ends]);
    if (check.type === 'tcp') return { isGood: true };
    const failure = judge(check, await Promise.race([ask(service, target, socket, giveUp.signal), ends]));
    // A body that goes on for ever is no failure where nobody looks at it.
    if (failure === undefined) return { isGood: true };
    return { isGood: false, detail: giveUp.signal.aborted ? late : failure };
  } catch (error) {
    if (isOwnShortage(error)) return undefined;
    return { isGood: false, detail: giveUp.signal.aborted ? late : checkFailure(error) };
  } finally {
    cancel();
    socket?.destroy();
  }
}

/** Rejects when there is no head of a response in time, at the latest a turn of the event loop after `signal`. */
function endOf(socket: Socket, signal: AbortSignal): Promise<never> {
  const ends = new Promise<never>((_resolve, reject) => {
    socket.on('error', reject);
    signal.addEventListener('abort', () => setImmediate(reject, new Error('out of time')), { once: true });
  });
  ends.catch(() => {});
  return ends;
}

async function ask(
  service: CheckedService,
  target: SocketTarget,
  socket: Socket,
  signal: AbortSignal,
): Promise<CheckAnswer> {
  const { check, tls } = service;
  const question = questionOf(check, target);
  if (!isHttp2(service)) return askHttp1(socket, question, signal);
  const { alpnProtocol } = socket as TLSSocket;
  if (tls !== undefined && alpnProtocol !== 'h2') throw new Error('no HTTP/2 was agreed on by ALPN');
  return askHttp2(socket, tls === undefined ? 'http' : 'https', question, signal);
}

function questionOf(check: ActiveCheck, { name, port }: SocketTarget): CheckQuestion {
  const authority = check.host ?? formatListenAddress({ host: name, port });
  const asked =
    check.type === 'grpc'
      ? grpcHealthQuestion(check.grpcService, authority)
      : { method: check.method, path: check.path, authority, headers: check.headers };
  const hasAgent = asked.headers.some(([field]) => field === 'user-agent');
  return hasAgent ? asked : { ...asked, headers: [...asked.headers, ['user-agent', userAgent]] };
}

function judge(check: ActiveCheck, answer: CheckAnswer): string | undefined {
  if (check.type === 'grpc') return judgeGrpcHealth(answer);
  const { status, body } = answer;
  if (!check.statuses.some(({ first, last }) => first <= status && status <= last)) return `status ${status}`;
  if (check.body === undefined || body.includes(check.body)) return undefined;
  return `body does not contain ${JSON.stringify(check.body)}`;
}

/** gRPC is spoken over HTTP/2, whatever requests are. */
function isHttp2({ check, protocol }: CheckedService): boolean {
  return check.type === 'grpc' || protocol === 'h2' || protocol === 'h2c';
}

/** As `clock.after`, for time in which this process was awake. */
function afterAwake(clock: Clock, delayMs: number, action: () => void): CancelTimer {
  const dueMs = clock.monotonicMs() + delayMs;
  let cancel: CancelTimer = () => {};
  const wait = (): void => {
    const leftMs = dueMs - clock.monotonicMs();
    // Timers fire up to a millisecond early.
    if (leftMs < 1) action();
    else cancel = clock.after(leftMs, wait);
  };
  cancel = clock.after(delayMs, wait);
  return () => cancel();
}
