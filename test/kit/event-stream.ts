// A client of an event stream that keeps the bytes as they came beside what they mean.

import { type IncomingHttpHeaders, request } from 'node:http';
import { Inbox } from './inbox.ts';
import { onEnd, type Owner } from './owner.ts';

/** One event (HTML Living Standard section 9.2.6), or what else stands between two blank lines: a comment, `retry`. */
export interface StreamEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
  readonly retry?: string;
  readonly comment?: string;
}

export interface EventStreamOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Default GET. */
  readonly method?: string;
}

/** Asks for a stream; resolves when the head of the answer is there, whatever its status. It is cut when `owner` ends. */
export async function openEventStream(
  owner: Owner,
  url: string,
  { headers = {}, method = 'GET' }: EventStreamOptions = {},
): Promise<EventStream> {
  const { promise, resolve, reject } = Promise.withResolvers<EventStream>();
  const sent = request(url, { headers, method, agent: false });
  onEnd(owner, () => void sent.destroy());
  sent.on('error', reject);
  sent.on('response', (response) => {
    const stream = new EventStream(response.statusCode ?? 0, response.headers, () => sent.destroy());
    response.on('data', (chunk: Buffer) => stream.onChunk(chunk.toString()));
    response.on('end', () => stream.onEnd('end'));
    response.on('error', () => stream.onEnd('cut'));
    resolve(stream);
  });
  sent.end();
  return promise;
}

export class EventStream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Cuts it. */
  readonly leave: () => void;
  readonly #chunks = new Inbox<string>('chunks of the stream');
  readonly #events = new Inbox<StreamEvent>('events of the stream');
  readonly #ends = new Inbox<'end' | 'cut'>('end of the stream');
  /** Of an event that is not complete. */
  #rest = '';
  #text = '';
  #isOver = false;

  constructor(status: number, headers: IncomingHttpHeaders, leave: () => void) {
    this.status = status;
    this.headers = headers;
    this.leave = leave;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** All that has come. */
  get text(): string {
    return this.#text;
  }

  onChunk(chunk: string): void {
    this.#text += chunk;
    this.#chunks.push(chunk);
    this.#rest += chunk;
    // Every line end that there is, so that the parser takes any.
    const blocks = this.#rest.split(/\r\n\r\n|\n\n|\r\r/);
    this.#rest = blocks.pop()!;
    for (const block of blocks) this.#events.push(readEvent(block));
  }

  onEnd(how: 'end' | 'cut'): void {
    this.#isOver = true;
    this.#ends.push(how);
    this.#chunks.end(how);
    this.#events.end(how);
  }

  /** The next piece as it came. */
  async nextChunk(): Promise<string> {
    return this.#chunks.next();
  }

  async next(): Promise<StreamEvent> {
    return this.#events.next();
  }

  /** `end`: as the protocol has it; `cut`: in the middle. Takes it: to be called once. */
  async ended(): Promise<'end' | 'cut'> {
    return this.#ends.next();
  }
}

function readEvent(block: string): StreamEvent {
  const fields: Record<string, string> = {};
  for (const line of block.split(/\r\n|\n|\r/)) {
    const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    const key = name === '' ? 'comment' : name;
    fields[key] = key in fields ? `${fields[key]}\n${value}` : value;
  }
  return fields;
}
