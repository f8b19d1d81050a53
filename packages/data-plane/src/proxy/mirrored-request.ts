/** A copy of a request on its way to another Service: whatever becomes of it, only a metric tells. */

import type { RequestCopy } from '@causeway/filters/filter';
import type { ResponseHead } from '@causeway/http1/response-head';

import type { ServiceHandle } from '../upstream/service-handle.ts';
import type { UpstreamCall, UpstreamEvents, UpstreamRequest } from './exchange.ts';
import type { MirrorResult } from './exchange-record.ts';
import type { ProxyContext } from './proxy-context.ts';
import type { Timed } from './timer-wheel.ts';

/** Copies of a worker that are being made or are under way, and what their bodies may come to: beyond it requests are not copied. */
const allMax: Room = { copies: 256, bytes: 67_108_864 };
/** The same of those to one Service: one that does not answer leaves room for those to others. */
const eachMax: Room = { copies: 64, bytes: 33_554_432 };
/** A copy gets so long, whatever the limits of the Route are. */
const copyMsMax = 30_000;
/** Of an answer so much is read, so that its connection stays of use; a longer one is given up. */
const answerBytesMax = 65_536;

interface Room {
  copies: number;
  bytes: number;
}

/** The copies of one worker. */
export class Mirrors {
  readonly #all: Room = { copies: 0, bytes: 0 };
  /** By Service; only those that have any. */
  readonly #each = new Map<string, Room>();

  /** Takes a place for a body of so many bytes on its way to `service`; false: there is none. One alone may have any size. */
  enter(service: string, bytes: number): boolean {
    const each = this.#each.get(service) ?? { copies: 0, bytes: 0 };
    if (!hasRoom(this.#all, bytes, allMax) || !hasRoom(each, bytes, eachMax)) return false;
    this.#each.set(service, each);
    for (const room of [this.#all, each]) {
      room.copies += 1;
      room.bytes += bytes;
    }
    return true;
  }

  leave(service: string, bytes: number): void {
    const each = this.#each.get(service)!;
    for (const room of [this.#all, each]) {
      room.copies -= 1;
      room.bytes -= bytes;
    }
    if (each.copies === 0) this.#each.delete(service);
  }
}

function hasRoom(taken: Room, bytes: number, max: Room): boolean {
  const fits = bytes === 0 || taken.bytes === 0 || taken.bytes + bytes <= max.bytes;
  return taken.copies < max.copies && fits;
}

export interface CopiedRequest extends Pick<UpstreamRequest, 'method' | 'target' | 'fields'> {
  readonly bodyBytesMax: number;
}

/** Undefined: too many are under way. `service` undefined: the table has none of that name. */
export function openCopy(
  context: ProxyContext,
  name: string,
  service: ServiceHandle | undefined,
  request: CopiedRequest,
): RequestCopy | undefined {
  if (context.mirrors.enter(name, request.bodyBytesMax))
    return new MirroredRequest(context, name, service, request);
  context.observer.onMirrored(name, 'overLimit');
  return undefined;
}

class MirroredRequest implements RequestCopy, UpstreamEvents, Timed {
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  dueMs = Infinity;
  readonly #context: ProxyContext;
  readonly #name: string;
  readonly #service: ServiceHandle | undefined;
  readonly #request: CopiedRequest;
  #body: readonly Uint8Array[] = [];
  #call: UpstreamCall | undefined;
  #isReady = false;
  #isOver = false;
  /** The head of its answer has said what became of it. */
  #isTold = false;
  #answerBytes = 0;

  constructor(
    context: ProxyContext,
    name: string,
    service: ServiceHandle | undefined,
    request: CopiedRequest,
  ) {
    this.#context = context;
    this.#name = name;
    this.#service = service;
    this.#request = request;
  }

  drop(why: 'tooLarge' | 'abandoned'): void {
    this.#end(why);
  }

  send(body: readonly Uint8Array[]): void {
    const service = this.#service;
    if (service === undefined) return this.#end('failure');
    const ticket = service.gate.admit();
    if (ticket < 0) return this.#end('overLimit');
    const endpoint = service.pick();
    if (endpoint === undefined) {
      service.gate.leave(ticket);
      return this.#end('failure');
    }
    this.#body = body;
    const bodyLength = body.reduce((sum, { length }) => sum + length, 0);
    const { method, target, fields } = this.#request;
    const request = { method, target, fields, bodyLength, wantsTrailers: false, mayHaveTrailers: false };
    const call = endpoint.pool.send(request, this, endpoint, ticket);
    if (call === undefined) {
      service.gate.leave(ticket);
      return this.#end('overLimit');
    }
    // It may have failed at once.
    if (this.#isOver) return;
    this.#call = call;
    const { wheel, clock } = this.#context;
    wheel.schedule(this, clock.monotonicMs() + copyMsMax);
    if (this.#isReady) this.#sendBody();
  }

  onDue(): void {
    this.#call?.timeOut(true);
    this.#end('failure');
  }

  onUpstreamReady(): void {
    this.#isReady = true;
    if (this.#call !== undefined) this.#sendBody();
  }

  onUpstreamHead({ status }: ResponseHead): void {
    this.#context.observer.onMirrored(this.#name, status < 500 ? 'success' : 'failure');
    this.#isTold = true;
  }

  onUpstreamChunk(chunk: Buffer): boolean {
    this.#answerBytes += chunk.length;
    if (this.#answerBytes > answerBytesMax) {
      this.#call?.abort();
      this.#end('success');
    }
    return true;
  }

  onUpstreamEnd(): void {
    this.#end('success');
  }

  onUpstreamFailed(): void {
    this.#end('failure');
  }

  onUpstreamSent(): void {}

  onUpstreamInformational(): void {}

  onUpstreamPart(): void {}

  onUpstreamDrain(): void {}

  /** All at once: it is here already. */
  #sendBody(): void {
    for (const piece of this.#body)
      this.#call?.sendChunk(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
    this.#call?.endRequest();
  }

  /** Tells `result`, unless the head of an answer has said it. */
  #end(result: MirrorResult): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#body = [];
    this.#call = undefined;
    this.#context.mirrors.leave(this.#name, this.#request.bodyBytesMax);
    this.#context.wheel.cancel(this);
    if (!this.#isTold) this.#context.observer.onMirrored(this.#name, result);
  }
}
