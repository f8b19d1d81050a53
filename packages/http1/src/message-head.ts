/** What a head says: the fields as sent, and the facts that everybody asks for, so that nobody reads the fields twice. */

/** Bits of `MessageHead.facts`. */
export const HeadFact = {
  /** Connection has the option `close`. */
  close: 1,
  /** Connection has the option `keep-alive`. */
  keepAlive: 2,
  /** Connection has the option `upgrade`; it means something only beside an Upgrade field. */
  connectionUpgrade: 4,
  /** Connection names other fields, which are to be removed (RFC 9110 section 7.6.1): `nominated` lists them. */
  nominates: 8,
  /** There is an Upgrade field. */
  upgrade: 16,
  /** `Expect: 100-continue`, of an HTTP/1.1 request. */
  expectsContinue: 32,
  /** Some other expectation, which may be answered 417 (RFC 9110 section 10.1.1). */
  expectsOther: 64,
  contentLength: 128,
  chunked: 256,
  /** Only while a head is read: a transfer coding other than chunked, and one that is no list of codings. */
  codingUnknown: 512,
  codingBroken: 1024,
  lengthTwice: 2048,
  lengthBroken: 4096,
  hostTwice: 8192,
} as const;

/** Values of `MessageHead.bodyLength` for bodies of which no count is declared. */
export const BodyLength = {
  /** Content and trailers in chunks. */
  chunked: -1,
  /** All that comes until the connection ends; of responses only. */
  untilClose: -2,
} as const;

export class MessageHead {
  /** 1, or 2 of a head that was made of an HTTP/2 message; `minorVersion` is then 0. */
  majorVersion: 1 | 2 = 1;
  /** The second digit of the version. */
  readonly minorVersion: number;
  /** Flat: name, value, name, value; as sent, one character a byte. Values are cut out of one text, which lives as long as they do. */
  readonly fields: string[];
  /** The name of every field in lower case: `names[i]` belongs to `fields[2 * i]`. */
  readonly names: string[];
  /** Bits of `HeadFact`. */
  facts = 0;
  /** What Content-Length says, whether or not such a body follows; -1 without one. */
  contentLength = -1;
  /** Bytes of the body that follows, or a `BodyLength`. */
  bodyLength = 0;
  /** Fields that Connection names, in lower case, without `close`, `keep-alive` and `upgrade`. */
  nominated: readonly string[] = noNames;

  constructor(minorVersion: number, fields: string[], names: string[]) {
    this.minorVersion = minorVersion;
    this.fields = fields;
    this.names = names;
  }

  /** The first value of the field, whose name is given in lower case. */
  valueOf(lowerName: string): string | undefined {
    const index = this.names.indexOf(lowerName);
    return index < 0 ? undefined : this.fields[2 * index + 1];
  }
}

const noNames: readonly string[] = [];
