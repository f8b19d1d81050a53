/** One HTTP exchange with the admin API: credentials, time limits and bounded bodies are here and nowhere else. */

import type { ProblemDocument } from '@causeway/model/api-types';
import { mediaTypes, revisionHeader } from '@causeway/model/rest';
import { Agent, type Dispatcher, request } from 'undici';
import { AdminApiError, reasonOf, Unreachable } from './errors.ts';

export interface TransportOptions {
  /** Origin of the admin API, such as `http://127.0.0.1:7080`. */
  server: string;
  token?: string | undefined;
  /** Recorded by the control plane as the source of what is written. Default `causeway-admin-client`. */
  userAgent?: string | undefined;
  /** Name of the gwctl context, for messages. */
  context?: string | undefined;
  /** For a whole exchange; a watch has none. Default 30,000. */
  timeoutMs?: number | undefined;
}

export interface Call {
  method?: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  /** Parameters without a value are left out. */
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  body?: { text: string; mediaType: string };
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
}

export interface Answer {
  body: unknown;
  /** Texts of the answer's `Warning` headers. */
  warnings: string[];
  /** Of a write that made one. */
  revision: number | undefined;
}

const connectTimeoutMs = 5_000;
const exchangeTimeoutMs = 30_000;
/** The largest answer that is read; a page of a listing and a dump of 10,000 Routes are far below. */
const answerBytesMax = 256 * 1024 * 1024;
/** One status of a revision on a thousand nodes is far below. */
const lineBytesMax = 4 * 1024 * 1024;

export class Transport {
  readonly #options: TransportOptions;
  readonly #agent = new Agent({ connect: { timeout: connectTimeoutMs }, connections: 4 });

  constructor(options: TransportOptions) {
    this.#options = { ...options, server: options.server.replace(/\/+$/, '') };
  }

  /** Sends a request and parses the JSON of its answer. Throws `AdminApiError` or `Unreachable`. */
  async call(call: Call): Promise<Answer> {
    const limit = AbortSignal.timeout(this.#options.timeoutMs ?? exchangeTimeoutMs);
    const signal = call.signal === undefined ? limit : AbortSignal.any([call.signal, limit]);
    const response = await this.#send({ ...call, signal }, exchangeTimeoutMs);
    const text = await this.#reading(() => boundedText(response.body));
    if (response.statusCode >= 400) throw this.#refused(response, text, call.path);
    const revision = response.headers[revisionHeader];
    return {
      body: response.statusCode === 204 ? undefined : this.#parsed(text, response),
      warnings: warningsOf(response.headers['warning']),
      revision: revision === undefined ? undefined : Number(revision),
    };
  }

  /** The lines of an NDJSON answer as they come, until the server ends it or `signal` fires (which throws its reason). */
  async *lines(call: Call): AsyncGenerator<unknown, void, undefined> {
    const response = await this.#send(call, 0);
    if (response.statusCode >= 400) {
      throw this.#refused(response, await this.#reading(() => boundedText(response.body)), call.path);
    }
    const chunks = response.body.setEncoding('utf8')[Symbol.asyncIterator]() as AsyncIterator<string>;
    let rest = '';
    for (;;) {
      const next = await this.#reading(() => chunks.next(), call.signal);
      if (next.done === true) return;
      const parts = (rest + next.value).split('\n');
      rest = parts.pop() ?? '';
      if (rest.length > lineBytesMax) throw this.#unreachable(new Error(tooLong(lineBytesMax)));
      for (const part of parts) if (part !== '') yield this.#parsed(part, response);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #send(call: Call, bodyTimeoutMs: number): Promise<Dispatcher.ResponseData> {
    const { server, token, userAgent = 'causeway-admin-client' } = this.#options;
    const url = server + call.path + queryText(call.query);
    const headers: Record<string, string> = {
      accept: mediaTypes.json,
      'user-agent': userAgent,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(call.body === undefined ? {} : { 'content-type': call.body.mediaType }),
      ...call.headers,
    };
    return this.#reading(
      () =>
        request(url, {
          method: call.method ?? 'GET',
          headers,
          body: call.body?.text ?? null,
          dispatcher: this.#agent,
          headersTimeout: exchangeTimeoutMs,
          bodyTimeout: bodyTimeoutMs,
          ...(call.signal === undefined ? {} : { signal: call.signal }),
        }),
      call.signal,
    );
  }

  async #reading<T>(read: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await read();
    } catch (error) {
      // A caller that gave up knows why by its own reason; a time limit of ours is a server that does not answer.
      if (signal?.aborted === true && !isTimeout(signal.reason)) throw signal.reason;
      throw this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): Unreachable {
    return new Unreachable(this.#options.server, this.#options.context, reasonOf(error), error);
  }

  #parsed(text: string, response: Dispatcher.ResponseData): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      const said = `it answered ${response.statusCode} with something that is not JSON; is it a Causeway admin API?`;
      throw new Unreachable(this.#options.server, this.#options.context, said, error);
    }
  }

  #refused(response: Dispatcher.ResponseData, text: string, path: string): AdminApiError {
    const type = String(response.headers['content-type'] ?? 'no content type');
    if (type.startsWith(mediaTypes.problem)) {
      const problem = this.#parsed(text, response) as ProblemDocument;
      return new AdminApiError({ ...problem, errors: problem.errors ?? [] });
    }
    const detail = `${this.#options.server} answered ${response.statusCode} with ${type}; is it a Causeway admin API?`;
    return new AdminApiError({
      type: 'about:blank',
      title: 'Unexpected answer',
      status: response.statusCode,
      code: 'internal',
      detail,
      instance: path,
      requestId: String(response.headers['x-request-id'] ?? ''),
      errors: [],
    });
  }
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}

async function boundedText(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > answerBytesMax) throw new Error(tooLong(answerBytesMax));
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tooLong(bytesMax: number): string {
  return `the answer is longer than ${bytesMax} bytes`;
}

function queryText(query: Call['query']): string {
  const parameters = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return parameters.length === 0 ? '' : `?${new URLSearchParams(parameters).toString()}`;
}

/** Texts of `299 causeway "..."` (RFC 9111 section 5.5). */
function warningsOf(header: string | string[] | undefined): string[] {
  const values = Array.isArray(header) ? header.join(', ') : (header ?? '');
  return [...values.matchAll(/\b299 [^ ]+ ("(?:[^"\\]|\\.)*")/g)].map(([, quoted]) => unquoted(quoted!));
}

function unquoted(text: string): string {
  return text.slice(1, -1).replaceAll(/\\(.)/g, '$1');
}
