/** A question of a filter to a Service: a request of its own, whose whole answer it waits for. */

import type { ServiceAnswer, ServiceQuestion } from '@causeway/filters/filter';
import type { ResponseHead } from '@causeway/http1/response-head';

import type { ServiceHandle } from '../upstream/service-handle.ts';
import type { FieldList, UpstreamCall, UpstreamEvents } from './exchange.ts';
import type { ProxyContext } from './proxy-context.ts';
import { downstreamFields } from './response-head.ts';
import type { Timed } from './timer-wheel.ts';

/** A longer answer is none. */
const answerBytesMax = 65_536;

/** Undefined: there is no answer, in time or at all. `service` undefined: the table has none of that name. */
export function askService(
  context: ProxyContext,
  service: ServiceHandle | undefined,
  question: ServiceQuestion,
): Promise<ServiceAnswer | undefined> {
  const { promise, resolve } = Promise.withResolvers<ServiceAnswer | undefined>();
  if (service === undefined) resolve(undefined);
  else new AskedService(context, question, resolve).send(service);
  return promise;
}

class AskedService implements UpstreamEvents, Timed {
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  dueMs = Infinity;
  readonly #context: ProxyContext;
  readonly #question: ServiceQuestion;
  readonly #resolve: (answer: ServiceAnswer | undefined) => void;
  #call: UpstreamCall | undefined;
  #isReady = false;
  #isOver = false;
  #head: ResponseHead | undefined;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(
    context: ProxyContext,
    question: ServiceQuestion,
    resolve: (answer: ServiceAnswer | undefined) => void,
  ) {
    this.#context = context;
    this.#question = question;
    this.#resolve = resolve;
  }

  send(service: ServiceHandle): void {
    const ticket = service.gate.admit();
    if (ticket < 0) return this.#end(undefined);
    const endpoint = service.pick();
    if (endpoint === undefined) {
      service.gate.leave(ticket);
      return this.#end(undefined);
    }
    const { method, target, fields, timeoutMs, body, wantsTrailers = false } = this.#question;
    const bodyLength = body?.length ?? 0;
    const request = { method, target, fields, bodyLength, wantsTrailers, mayHaveTrailers: false };
    const call = endpoint.pool.send(request, this, endpoint, ticket);
    if (call === undefined) {
      service.gate.leave(ticket);
      return this.#end(undefined);
    }
    // It may have failed at once.
    if (this.#isOver) return;
    this.#call = call;
    this.#context.wheel.schedule(this, this.#context.clock.monotonicMs() + timeoutMs);
    if (this.#isReady) this.#sendBody();
  }

  onDue(): void {
    this.#call?.timeOut(true);
    this.#call?.abort();
    this.#end(undefined);
  }

  onUpstreamReady(): void {
    this.#isReady = true;
    if (this.#call !== undefined) this.#sendBody();
  }

  /** All at once: it is here already. */
  #sendBody(): void {
    const { body } = this.#question;
    if (body !== undefined) this.#call?.sendChunk(Buffer.from(body.buffer, body.byteOffset, body.length));
    this.#call?.endRequest();
  }

  onUpstreamHead(head: ResponseHead): void {
    this.#head = head;
  }

  onUpstreamChunk(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes > answerBytesMax) {
      this.#call?.abort();
      this.#end(undefined);
    } else this.#pieces.push(Buffer.from(chunk));
    return true;
  }

  onUpstreamEnd(trailers: FieldList = []): void {
    const { status } = this.#head!;
    const fields = downstreamFields(this.#head!);
    this.#end({ status, fields, body: Buffer.concat(this.#pieces), trailers });
  }

  onUpstreamFailed(): void {
    this.#end(undefined);
  }

  onUpstreamSent(): void {}

  onUpstreamInformational(): void {}

  onUpstreamPart(): void {}

  onUpstreamDrain(): void {}

  #end(answer: ServiceAnswer | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#call = undefined;
    this.#pieces = [];
    this.#context.wheel.cancel(this);
    this.#resolve(answer);
  }
}
