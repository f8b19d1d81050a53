/** Node's own parser without the streams around it: what it makes of bytes is what ours is held against. */

import { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';

/** One message as a parser understood it. */
export interface SeenMessage {
  /** The method of a request, or the status of a response. */
  start: string;
  target: string;
  fields: string[];
  parts: Buffer[];
  trailers: string[];
  /** Whether the connection lasts beyond the message. */
  keepsAlive: boolean;
  isComplete: boolean;
}

interface NativeParser {
  [callback: number]: (...parts: never[]) => unknown;
  initialize(type: number, resource: object, headBytesMax: number, lenient: number): void;
  execute(bytes: Buffer): number | Error;
  finish(): Error | undefined;
}

interface Bindings {
  readonly methods: readonly string[];
  readonly HTTPParser: (new () => NativeParser) & {
    readonly REQUEST: number;
    readonly RESPONSE: number;
    readonly kOnHeaders: number;
    readonly kOnHeadersComplete: number;
    readonly kOnBody: number;
    readonly kOnMessageComplete: number;
  };
}

const { HTTPParser, methods } = createRequire(import.meta.url)('_http_common') as Bindings;

/** The methods that llhttp knows; it refuses all others. */
export const llhttpMethods: ReadonlySet<string> = new Set(methods);

const headBytesMax = 1_048_576;
const noLeniency = 0;
/** What `headersComplete` returns for a message without a body. */
const skipBody = 1;

export class LlhttpReader {
  readonly messages: SeenMessage[] = [];
  readonly #parser: NativeParser = new HTTPParser();
  #current: SeenMessage | undefined;

  /** `isHead`: the responses answer HEAD, and have no body. */
  constructor(kind: 'request' | 'response', isHead = false) {
    const parser = this.#parser;
    parser.initialize(
      kind === 'request' ? HTTPParser.REQUEST : HTTPParser.RESPONSE,
      {},
      headBytesMax,
      noLeniency,
    );
    parser[HTTPParser.kOnHeadersComplete] = (
      _major: number,
      _minor: number,
      fields: string[] | undefined,
      method: number,
      target: string | undefined,
      status: number | undefined,
      _reason: string | undefined,
      _upgrade: boolean,
      keepsAlive: boolean,
    ) => {
      const open = this.#openMessage();
      open.start = kind === 'request' ? methods[method]! : String(status);
      open.keepsAlive = keepsAlive;
      open.target = target ?? open.target;
      open.fields = fields ?? open.fields;
      const isInformational = kind === 'response' && status !== undefined && status < 200;
      return isInformational || isHead ? skipBody : 0;
    };
    parser[HTTPParser.kOnHeaders] = (fields: string[], target: string) => {
      const open = this.#openMessage();
      // Before the head is complete these are its first fields; with trailers the target comes a second time.
      if (open.start === '') {
        open.fields.push(...fields);
        open.target += target;
      } else open.trailers.push(...fields);
    };
    parser[HTTPParser.kOnBody] = (bytes: Buffer) => {
      this.#openMessage().parts.push(bytes);
    };
    parser[HTTPParser.kOnMessageComplete] = () => {
      this.#openMessage().isComplete = true;
      this.#current = undefined;
    };
  }

  /** Undefined, or why llhttp takes these bytes for no HTTP. */
  execute(bytes: Buffer): string | undefined {
    for (let rest = bytes; ; ) {
      const result = this.#parser.execute(rest);
      if (typeof result !== 'number') return `${(result as { code?: string }).code}`;
      // It stops after a request to upgrade; who does not upgrade goes on (RFC 9110 section 7.8).
      if (result >= rest.length || result === 0) return undefined;
      rest = rest.subarray(result);
    }
  }

  finish(): string | undefined {
    const result = this.#parser.finish();
    return result === undefined ? undefined : `${(result as { code?: string }).code}`;
  }

  #openMessage(): SeenMessage {
    if (this.#current === undefined) {
      this.#current = {
        start: '',
        target: '',
        fields: [],
        parts: [],
        trailers: [],
        keepsAlive: true,
        isComplete: false,
      };
      this.messages.push(this.#current);
    }
    return this.#current;
  }
}
