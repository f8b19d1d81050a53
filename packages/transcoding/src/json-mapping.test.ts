import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DescMessage, fromBinary, fromJson, fromJsonString, toBinary, toJson } from '@bufbuild/protobuf';
import * as fc from 'fast-check';

import { compileTypes } from './compile-types.ts';
import { type EncodeOptions, encodeJsonText } from './encode-json.ts';
import { TranscodingFault } from './fault.ts';
import { readProtos } from './testing/read-protos.ts';
import { Types } from './types.ts';
import { WireWriter } from './wire-writer.ts';
import { type JsonOptions, messageToJson } from './write-json.ts';

const registry = readProtos();
const types = new Types(compileTypes(registry));
const writer = new WireWriter();
const written: JsonOptions = {
  preserveFieldNames: false,
  emitDefaults: false,
  enumsAsNumbers: false,
  charsMax: 1_000_000,
};

const theirs = (name: string): DescMessage => registry.getMessage(`test.v1.${name}`)!;

function encode(
  text: string,
  name = 'Everything',
  options: EncodeOptions = { ignoreUnknownFields: false },
): Uint8Array {
  const type = types.messageNamed(`test.v1.${name}`)!;
  try {
    encodeJsonText(text, writer, options, (encoder, value) => encoder.message(type, value));
    return new Uint8Array(writer.take());
  } finally {
    writer.drop();
  }
}

function decode(bytes: Uint8Array, options: Partial<JsonOptions> = {}, name = 'Everything'): unknown {
  const type = types.messageNamed(`test.v1.${name}`)!;
  return JSON.parse(messageToJson(type, Buffer.from(bytes), { ...written, ...options }));
}

// Any JSON that the mapping takes, in the forms in which clients write it.
const text = fc.string({ unit: 'binary', maxLength: 60 });
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const base64 = fc.uint8Array({ maxLength: 40 }).map((value) => Buffer.from(value).toString('base64'));
const double = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom('NaN', 'Infinity', '-Infinity'),
);
const float = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom('NaN', '-Infinity'),
);
const color = fc.constantFrom('COLOR_NONE', 'COLOR_RED', 'COLOR_ODD', 0, 2, -7, 99);
const moment = fc
  .tuple(
    fc.date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true }),
    fc.nat(999_999_999),
  )
  .map(([date, nanos]) => `${date.toISOString().slice(0, 19)}.${String(nanos).padStart(9, '0')}Z`);
const span = fc
  // Of one sign, for merged ones must be of one.
  .tuple(fc.nat(315_576_000), fc.nat(999_999_999))
  .map(([seconds, nanos]) => `${seconds}.${String(nanos).padStart(9, '0')}s`);
const value = fc.jsonValue({ maxDepth: 3, noUnicodeString: false });
const object = fc.dictionary(text, value, { maxKeys: 4 });

function everything(levels: number): fc.Arbitrary<Record<string, unknown>> {
  const inner = levels === 0 ? fc.constant({}) : everything(levels - 1);
  return fc.record(
    {
      aDouble: double,
      aFloat: float,
      anInt32: int32,
      anInt64: int64,
      aUint32: uint32,
      aUint64: uint64,
      a_sint32: int32,
      aSint64: int64,
      aFixed32: uint32,
      aFixed64: uint64,
      aSfixed32: int32,
      aSfixed64: int64,
      aBool: fc.boolean(),
      aString: text,
      someBytes: base64,
      color,
      nested: fc.option(inner),
      maybeInt32: fc.option(int32),
      maybeString: text,
      maybe_color: color,
      int32s: fc.array(int32, { maxLength: 4 }),
      int64s: fc.array(int64, { maxLength: 4 }),
      strings: fc.array(text, { maxLength: 4 }),
      bytesList: fc.array(base64, { maxLength: 4 }),
      colors: fc.array(color, { maxLength: 4 }),
      children: fc.array(inner, { maxLength: 2 }),
      doubles: fc.array(double, { maxLength: 4 }),
      bools: fc.array(fc.boolean(), { maxLength: 4 }),
      sint64s: fc.array(int64, { maxLength: 4 }),
      byString: fc.dictionary(text, text, { maxKeys: 3 }),
      byInt32: fc.dictionary(int32.map(String), inner, { maxKeys: 2 }),
      byBool: fc.dictionary(fc.boolean().map(String), color),
      byUint64: fc.dictionary(uint64, base64, { maxKeys: 3 }),
      any: fc.oneof(
        fc.record({ '@type': fc.constant('type.googleapis.com/test.v1.Everything'), aString: text }),
        fc.record({ '@type': fc.constant('type.googleapis.com/google.protobuf.Duration'), value: span }),
      ),
      timestamp: moment,
      duration: span,
      mask: fc.constantFrom('', 'userName', 'a,bC.dE'),
      struct: object,
      value,
      list: fc.array(value, { maxLength: 3 }),
      empty: fc.constant({}),
      doubleValue: double,
      floatValue: float,
      int64Value: int64,
      uint64Value: uint64,
      int32Value: int32,
      uint32Value: uint32,
      boolValue: fc.boolean(),
      stringValue: text,
      bytesValue: base64,
      values: fc.array(value, { maxLength: 3 }),
      timestamps: fc.array(moment, { maxLength: 3 }),
      otherName: text,
    },
    { requiredKeys: [] },
  );
}
const choice = fc.oneof(
  fc.record({ chosenString: text }),
  fc.record({ chosenMessage: everything(0) }),
  fc.record({ chosen_uint32: uint32 }),
  fc.record({ chosenNull: fc.constant(null) }),
  fc.constant({}),
);
const messages = fc.tuple(everything(1), choice).map(([some, more]) => ({ ...some, ...more }));

describe('the JSON mapping', () => {
  const type = theirs('Everything');

  it('writes the message that another implementation reads in the same JSON', () => {
    fc.assert(
      fc.property(messages, (json) => {
        const ours = fromBinary(type, encode(JSON.stringify(json)));
        assert.deepEqual(ours, messageOf(json));
      }),
      { numRuns: 300, endOnFailure: true },
    );
  });

  it('tells the JSON that another implementation tells', () => {
    fc.assert(
      fc.property(messages, fc.boolean(), fc.boolean(), fc.boolean(), (json, names, defaults, numbers) => {
        const message = fromJson(type, json as never, { registry });
        const told = asText(
          toJson(type, message, {
            registry,
            useProtoFieldName: names,
            alwaysEmitImplicit: defaults,
            enumAsInteger: numbers,
          }),
        );
        const ours = decode(toBinary(type, message), {
          preserveFieldNames: names,
          emitDefaults: defaults,
          enumsAsNumbers: numbers,
        });
        // A float is the shortest text that is the same float.
        assert.deepEqual(messageOf(ours), messageOf(told));
        if (!/float/i.test(JSON.stringify(told))) assert.deepEqual(asText(ours), told);
      }),
      { numRuns: 300, endOnFailure: true },
    );
  });

  it('takes nothing that another implementation refuses, and the rest as it does', () => {
    const anything = fc.oneof(fc.jsonValue({ maxDepth: 2 }), double, int64, text, base64, moment, span);
    // Of paths in masks we are stricter.
    const names = type.fields.map(({ jsonName }) => jsonName).filter((name) => name !== 'mask');
    let refused = 0;
    fc.assert(
      fc.property(fc.constantFrom('nothing', ...names), anything, (name, json) => {
        const document = JSON.stringify({ [name]: json });
        // Others do not take whole numbers that a double may not hold.
        if (/[:,[]-?\d{16,}[,\]}]/.test(document)) return;
        const expected = theirAttempt(() => toBinary(type, fromJsonString(type, document, { registry })));
        const ours = attempt(() => encode(document));
        // Others take some texts for 0, such as a form feed.
        if (ours === undefined) {
          refused += 1;
          return;
        }
        assert.ok(expected, document);
        assert.deepEqual(fromBinary(type, ours), fromBinary(type, expected), document);
      }),
      { numRuns: 3000, endOnFailure: true },
    );
    assert.ok(refused > 100);
  });

  it('knows groups, closed enums and lists that are not packed', () => {
    const legacy = theirs('Legacy');
    const part = { label: 'x', inner: { name: 'inner', count: 0 } };
    const json = { name: 'n', size: 'LARGE', numbers: [1, 2], part, piece: [{ weight: 1 }, {}] };
    const message = fromJson(legacy, json);
    assert.deepEqual(fromBinary(legacy, encode(JSON.stringify(json), 'Legacy')), message);
    assert.deepEqual(decode(toBinary(legacy, message), {}, 'Legacy'), toJson(legacy, message));
    assert.throws(() => encode('{"name":"n","size":3}', 'Legacy'), TranscodingFault);
  });

  it('takes whole numbers beyond those of a double as they are written', () => {
    for (const number of ['9007199254740993', '-9223372036854775808', '1e18']) {
      const { anInt64 } = decode(encode(`{"anInt64":${number}}`)) as { anInt64: string };
      assert.equal(anInt64, number === '1e18' ? '1000000000000000000' : number);
    }
    for (const number of ['9223372036854775808', '9007199254740993.5', '1e300', '1e400'])
      assert.throws(() => encode(`{"anInt64":${number}}`), TranscodingFault, number);
    for (const name of ['anInt32', 'anInt64', 'aUint64', 'aDouble', 'int64Value'])
      for (const given of ['', ' ', '\f', '1 ', '+1', '0x1', '1_0', '.5', '5.', 'infinity', true, {}, []])
        assert.throws(
          () => encode(JSON.stringify({ [name]: given })),
          TranscodingFault,
          JSON.stringify([name, given]),
        );
  });

  it('merges what comes twice', () => {
    fc.assert(
      fc.property(messages, messages, (one, other) => {
        const bytes = Buffer.concat([encode(JSON.stringify(one)), encode(JSON.stringify(other))]);
        const expected = toJson(type, fromBinary(type, bytes), { registry });
        assert.deepEqual(messageOf(decode(bytes)), messageOf(expected));
      }),
      { numRuns: 200, endOnFailure: true },
    );
  });

  it('reads bytes that are no message to an end, or a fault', () => {
    const valid = messages.map((json) => encode(JSON.stringify(json)));
    let read = 0;
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 60 }), valid),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        (start, changes) => {
          const bytes = Buffer.from(start);
          for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
          if (attempt(() => decode(bytes)) !== undefined) read += 1;
        },
      ),
      { numRuns: 2000, endOnFailure: true },
    );
    assert.ok(read > 100 && read < 1900, `${read}`);
  });

  /** Without the sign of -0. */
  function asText(json: unknown): unknown {
    return JSON.parse(JSON.stringify(json));
  }

  /** As another implementation has it, once written and read. */
  function messageOf(json: unknown): unknown {
    return fromBinary(type, toBinary(type, fromJson(type, asText(json) as never, { registry })));
  }

  function attempt<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      assert.ok(error instanceof TranscodingFault, String(error));
      return undefined;
    }
  }

  function theirAttempt<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch {
      return undefined;
    }
  }
});
