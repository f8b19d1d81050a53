/** Makes bodies of responses smaller for clients that say they can read them so. */

import { addVary, fieldValue, listValue, removeField, setField } from '../fields.ts';
import { type Filter, type FilterExchange, takesBody, type Verdict } from '../filter.ts';
import { chooseEncoding, type Encoding } from './accept-encoding.ts';
import { Compressor } from './compressor.ts';

export interface CompressSettings {
  /** In order of preference, where the client has none. */
  readonly encodings: readonly Encoding[];
  readonly bytesMin: number;
  /** Lower case; `text/*` stands for all of its kind. */
  readonly types: readonly string[];
}

/** Bodies whose chunks must not wait for each other. */
const streamTypes = /^(?:text\/event-stream|application\/(?:x-ndjson|grpc))/;

interface State {
  compressor: Compressor | undefined;
}

export class CompressFilter implements Filter<State> {
  readonly kind = 'compress';
  readonly name: string;
  readonly #settings: CompressSettings;
  readonly #exact: ReadonlySet<string>;
  readonly #families: readonly string[];

  constructor(name: string, settings: CompressSettings) {
    this.name = name;
    this.#settings = settings;
    this.#exact = new Set(settings.types);
    this.#families = settings.types.filter((type) => type.endsWith('/*')).map((type) => type.slice(0, -1));
  }

  createState(): State {
    return { compressor: undefined };
  }

  onResponseHead(exchange: FilterExchange, state: State): Verdict {
    const { responseFields: fields } = exchange;
    if (exchange.responseStatus === 304) keepVariant(exchange);
    if (!this.#isEligible(exchange)) return undefined;
    // Also where it goes out as it is: a cache must not give it to a client that would have got the other.
    addVary(fields, 'accept-encoding');
    const encoding = chooseEncoding(exchange.requestHeader('accept-encoding'), this.#settings.encodings);
    if (encoding === undefined || exchange.method === 'HEAD') return undefined;
    setField(fields, 'content-encoding', encoding);
    weakenEtag(fields);
    for (const name of ofTheBytes) removeField(fields, name);
    state.compressor = new Compressor(encoding);
    return takesBody;
  }

  onResponseChunk(chunk: Uint8Array, _exchange: FilterExchange, state: State) {
    return state.compressor!.write(chunk);
  }

  onResponseEnd(_exchange: FilterExchange, state: State) {
    return state.compressor!.end();
  }

  onEnd(_exchange: FilterExchange, _outcome: unknown, state: State): void {
    state.compressor?.close();
  }

  #isEligible({ responseStatus: status, responseFields: fields, responseBytes }: FilterExchange): boolean {
    // Nothing, a part, or another protocol.
    if (status < 200 || status === 204 || status === 205 || status === 206 || status === 304) return false;
    if (responseBytes !== undefined && responseBytes < this.#settings.bytesMin) return false;
    if (!this.#isOfType(fieldValue(fields, 'content-type'))) return false;
    if (fieldValue(fields, 'content-encoding') !== undefined) return false;
    // RFC 9111 section 5.2.2.6.
    return !/\bno-transform\b/i.test(listValue(fields, 'cache-control') ?? '');
  }

  #isOfType(contentType: string | undefined): boolean {
    if (contentType === undefined) return false;
    const type = contentType.split(';', 1)[0]!.trim().toLowerCase();
    if (streamTypes.test(type)) return false;
    return this.#exact.has(type) || this.#families.some((family) => type.startsWith(family));
  }
}

/**
 * A 304 does not tell whether its 200 would have been compressed; the client does, by the tag of what it has. With another tag it could not renew
 * what it has (RFC 9111 section 4.3.4).
 */
function keepVariant(exchange: FilterExchange): void {
  const { responseFields: fields } = exchange;
  addVary(fields, 'accept-encoding');
  const etag = fieldValue(fields, 'etag');
  if (exchange.requestHeader('if-none-match')?.includes(`W/${etag}`) === true) weakenEtag(fields);
}

/** They tell of the bytes that the upstream sent. */
const ofTheBytes = ['accept-ranges', 'content-md5', 'content-digest', 'repr-digest', 'digest'];

/** What stands for these very bytes does not stand for others that mean the same (RFC 9110 section 8.8.1). */
function weakenEtag(fields: string[]): void {
  const etag = fieldValue(fields, 'etag');
  if (etag !== undefined && !etag.startsWith('W/')) setField(fields, 'etag', `W/${etag}`);
}
