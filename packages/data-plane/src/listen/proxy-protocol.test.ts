import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';

import { readProxyHeader } from './proxy-protocol.ts';

const signature = '\r\n\r\n\0\r\nQUIT\n';
const text = (bytes: string): Buffer => Buffer.from(bytes, 'latin1');

function binary(command: number, family: number, body: Buffer, length = body.length): Buffer {
  return Buffer.concat([text(signature), Buffer.from([command, family, length >> 8, length & 255]), body]);
}

const addresses4 = Buffer.from([192, 0, 2, 1, 198, 51, 100, 2, 0xc0, 0x01, 0x01, 0xbb]);
const addresses6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from('20010db8000000000000000000000002', 'hex'),
  Buffer.from([0x1f, 0x90, 0x01, 0xbb]),
]);

describe('a PROXY header, v1', () => {
  it('names the client and ends with its line', () => {
    const line = 'PROXY TCP4 192.0.2.1 198.51.100.2 49153 443\r\n';
    assert.deepEqual(readProxyHeader(text(`${line}GET /`)), {
      kind: 'header',
      length: line.length,
      source: { address: '192.0.2.1', port: 49_153 },
    });
    for (const mapped of ['::ffff:192.0.2.1', '::FFFF:c000:201', '0:0:0:0:0:ffff:192.0.2.1']) {
      const read = readProxyHeader(Buffer.from(`PROXY TCP6 ${mapped} ::1 9 443\r\n`));
      assert.deepEqual(read.kind === 'header' && read.source?.address, '192.0.2.1');
    }
    const six = 'PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n';
    assert.deepEqual(readProxyHeader(text(six)), {
      kind: 'header',
      length: six.length,
      source: { address: '2001:db8::1', port: 0 },
    });
  });

  it('may know nobody', () => {
    for (const line of ['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ffff::1 ::1 1 2\r\n'])
      assert.deepEqual(readProxyHeader(text(line)), {
        kind: 'header',
        length: line.length,
        source: undefined,
      });
  });

  it('is waited for as long as it may be one, up to its longest', () => {
    const line = 'PROXY TCP4 192.0.2.1 198.51.100.2 49153 443\r\n';
    for (let length = 0; length < line.length; length += 1)
      assert.equal(readProxyHeader(text(line.slice(0, length))).kind, 'more', String(length));
    const endless = `PROXY UNKNOWN ${'x'.repeat(200)}`;
    assert.equal(readProxyHeader(text(endless.slice(0, 106))).kind, 'more');
    assert.equal(readProxyHeader(text(endless.slice(0, 107))).kind, 'malformed');
    const longest = `PROXY UNKNOWN ${'x'.repeat(91)}\r\n`;
    assert.equal(longest.length, 107);
    assert.equal(readProxyHeader(text(longest)).kind, 'header');
    assert.equal(readProxyHeader(text(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`)).kind, 'malformed');
  });

  it('is taken as it is written down, or not at all', () => {
    for (const line of [
      'PROXY TCP4 192.0.2.1 198.51.100.2 49153\r\n',
      'PROXY TCP4 192.0.2.1 198.51.100.2 49153 443 \r\n',
      'PROXY TCP4 192.0.2.1 198.51.100.2 49153 65536\r\n',
      'PROXY TCP4 192.0.2.1 198.51.100.2 049153 443\r\n',
      'PROXY TCP4 192.0.2.1 198.51.100.2 -1 443\r\n',
      'PROXY TCP4  192.0.2.1 198.51.100.2 1 443\r\n',
      'PROXY TCP4 192.0.2.01 198.51.100.2 1 443\r\n',
      'PROXY TCP4 2001:db8::1 2001:db8::2 1 443\r\n',
      'PROXY TCP6 192.0.2.1 198.51.100.2 1 443\r\n',
      'PROXY TCP6 fe80::1%eth0 fe80::2 1 443\r\n',
      'PROXY TCP5 192.0.2.1 198.51.100.2 1 443\r\n',
      'PROXY tcp4 192.0.2.1 198.51.100.2 1 443\r\n',
      'PROXY TCP4 192.0.2.1 198.51.100.2 1 443\n\r\n',
      'PROXY \r\n',
    ])
      assert.equal(readProxyHeader(text(line)).kind, 'malformed', line);
  });
});

describe('a PROXY header, v2', () => {
  it('names the client and ends with its length', () => {
    assert.deepEqual(readProxyHeader(Buffer.concat([binary(0x21, 0x11, addresses4), text('GET')])), {
      kind: 'header',
      length: 28,
      source: { address: '192.0.2.1', port: 49_153 },
    });
    assert.deepEqual(readProxyHeader(binary(0x21, 0x21, addresses6)), {
      kind: 'header',
      length: 52,
      source: { address: '2001:db8::1', port: 8080 },
    });
  });

  it('speaks for nobody: LOCAL, no family, Unix sockets', () => {
    for (const header of [
      binary(0x20, 0x00, Buffer.alloc(0)),
      binary(0x20, 0x11, Buffer.from([1, 2, 3])),
      binary(0x21, 0x00, Buffer.from([1, 2, 3])),
      binary(0x21, 0x31, Buffer.alloc(216)),
    ])
      assert.deepEqual(readProxyHeader(header), { kind: 'header', length: header.length, source: undefined });
  });

  it('is waited for until it is whole, and refused when it would be too long', () => {
    const whole = binary(0x21, 0x21, addresses6);
    for (let length = 0; length < whole.length; length += 1)
      assert.equal(readProxyHeader(whole.subarray(0, length)).kind, 'more', String(length));
    assert.equal(readProxyHeader(binary(0x20, 0x00, Buffer.alloc(4096))).kind, 'header');
    assert.equal(readProxyHeader(binary(0x20, 0x00, Buffer.alloc(0), 4097)).kind, 'malformed');
  });

  it('is taken as it is written down, or not at all', () => {
    for (const header of [
      binary(0x11, 0x11, addresses4),
      binary(0x22, 0x11, addresses4),
      binary(0x21, 0x12, addresses4),
      binary(0x21, 0x10, addresses4),
      binary(0x21, 0x41, addresses4),
      binary(0x21, 0x11, addresses4.subarray(0, 11)),
      binary(0x21, 0x21, addresses6.subarray(0, 35)),
      binary(0x21, 0x31, Buffer.alloc(215)),
      binary(0x21, 0x11, Buffer.concat([addresses4, Buffer.from([0x04, 0])])),
      binary(0x21, 0x11, Buffer.concat([addresses4, Buffer.from([0x04, 0, 2, 9])])),
      binary(0x21, 0x11, Buffer.concat([addresses4, Buffer.from([0x03, 0, 1, 9])])),
    ])
      assert.equal(readProxyHeader(header).kind, 'malformed', header.toString('hex'));
  });

  it('holds its checksum when it has one', () => {
    const extension = Buffer.from([0x04, 0, 1, 7, 0x03, 0, 4, 0, 0, 0, 0]);
    const header = binary(0x21, 0x11, Buffer.concat([addresses4, extension]));
    assert.equal(readProxyHeader(header).kind, 'malformed');
    // Reckoned apart, with a table; its check value for "123456789" is the e3069283 of RFC 3720.
    header.writeUInt32BE(0xcc2c12f8, header.length - 4);
    assert.equal(readProxyHeader(header).kind, 'header');
  });
});

describe('the first bytes of a connection', () => {
  it('are no PROXY header when they begin otherwise', () => {
    for (const bytes of [
      'GET / HTTP/1.1\r\n',
      'PROPFIND / HTTP/1.1',
      'PRI * HTTP/2.0',
      '\r\n\r\nGET',
      '\x16\x03\x01',
      'PROXY\t',
    ])
      assert.deepEqual(readProxyHeader(text(bytes)), { kind: 'absent' }, bytes);
  });

  it('are read without a throw, within bounds, and the same in pieces as in one', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ maxLength: 120 }).map((rest) => Buffer.concat([text('PROXY '), rest])),
      fc.uint8Array({ maxLength: 300 }).map((rest) => Buffer.concat([text(signature), rest])),
      fc
        .tuple(
          fc.constantFrom(0x20, 0x21),
          fc.constantFrom(0x00, 0x11, 0x21, 0x31),
          fc.uint8Array({ maxLength: 300 }),
        )
        .map(([command, family, body]) => binary(command, family, Buffer.from(body))),
    );
    fc.assert(
      fc.property(bytes, (raw) => {
        const all = Buffer.from(raw);
        const whole = readProxyHeader(all);
        if (whole.kind === 'header') assert.ok(whole.length > 0 && whole.length <= all.length);
        // The first answer that is one stays, whatever comes behind it.
        for (let length = 0; length <= all.length; length += 1) {
          const part = readProxyHeader(all.subarray(0, length));
          if (part.kind !== 'more') return assert.deepEqual(part, whole);
        }
        return assert.equal(whole.kind, 'more');
      }),
      { numRuns: 2000 },
    );
  });
});
