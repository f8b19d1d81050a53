import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReadEvent } from '@causeway/http1/body-reader';
import type { RequestHead } from '@causeway/http1/request-head';
import type { ResponseHead } from '@causeway/http1/response-head';
import { ResponseParser } from '@causeway/http1/response-parser';
import { defaultLimits } from '@causeway/http1/limits';

import { readRequest } from '../listen/http2/read-request.ts';
import type { WebSocketSettings } from '../table/read-streams.ts';
import { requestHead } from '../testing/heads.ts';
import { acceptFor, sampleAccept, sampleKey } from '../testing/tunnel-ends.ts';
import { readResponse } from '../upstream/http2/read-response.ts';
import type { Refusal } from './reasons.ts';
import { checkHandshake, Handshake, readHandshake } from './websocket-handshake.ts';

const lines = {
  Host: 'a',
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': sampleKey,
};

/** Of HTTP/1.1; undefined leaves a field out, several values repeat it. */
function head(
  changes: Record<string, string | undefined | readonly string[]> = {},
  start = 'GET /chat HTTP/1.1',
): RequestHead {
  const text = Object.entries({ ...lines, ...changes }).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((one) => (one === undefined ? [] : [`${name}: ${one}`])),
  );
  return requestHead(start, text.join('\n'));
}

function http2Head(fields: readonly string[] = ['sec-websocket-version', '13']): RequestHead {
  const raw = [
    ':method',
    'CONNECT',
    ':protocol',
    'websocket',
    ':scheme',
    'https',
    ':path',
    '/',
    ':authority',
    'a',
  ];
  const read = readRequest([...raw, ...fields], false, defaultLimits);
  if ('fault' in read) throw new Error(read.detail);
  return read;
}

function handshake(of: RequestHead = head()): Handshake {
  const read = readHandshake(of);
  if (read === undefined || 'reason' in read) throw new Error(JSON.stringify(read));
  return read;
}

const outcome = (of: RequestHead): string => {
  const read = readHandshake(of);
  if (read === undefined) return 'none';
  return 'reason' in read ? `${read.reason}${read.close === true ? ' close' : ''}` : 'handshake';
};

describe('a request', () => {
  it('asks for a WebSocket however its fields are written', () => {
    for (const changes of [
      {},
      { Upgrade: 'WebSocket' },
      { Connection: 'keep-alive, UPGRADE' },
      { Connection: ['keep-alive', 'upgrade'] },
      { 'Sec-WebSocket-Protocol': ['chat', 'superchat, other'] },
      { 'Sec-WebSocket-Extensions': 'permessage-deflate' },
      { 'Content-Length': '0' },
    ])
      assert.equal(outcome(head(changes)), 'handshake', JSON.stringify(changes));
  });

  it('is an ordinary one without either of the two, of HTTP/1.0, or for more than websocket', () => {
    for (const changes of [
      { Connection: undefined },
      { Connection: 'keep-alive' },
      { Upgrade: undefined },
      { Upgrade: 'h2c' },
      { Upgrade: 'websocket, h2c' },
      { Upgrade: ['h2c', 'websocket'] },
      { Upgrade: ['websocket', 'websocket'] },
      { Upgrade: 'websocket/13' },
      { Upgrade: undefined, Connection: undefined, 'Sec-WebSocket-Key': 'x' },
    ])
      assert.equal(outcome(head(changes)), 'none', JSON.stringify(changes));
    assert.equal(outcome(head({}, 'GET / HTTP/1.0')), 'none');
    assert.equal(outcome(head({ Upgrade: 'h2c', 'Content-Length': '3' }, 'POST / HTTP/1.1')), 'none');
  });

  it('is refused with the end of its connection when it is no GET or has a body', () => {
    for (const method of ['POST', 'HEAD', 'OPTIONS', 'PUT'])
      assert.equal(outcome(head({}, `${method} / HTTP/1.1`)), 'bad_request close', method);
    assert.equal(outcome(head({ 'Content-Length': '1' })), 'bad_request close');
    assert.equal(outcome(head({ 'Transfer-Encoding': 'chunked' })), 'bad_request close');
  });

  it('is told the version that is spoken when it asks for another, or several', () => {
    for (const version of [undefined, '8', '14', '13, 8', '', '013', ['13', '13']]) {
      const refusal = readHandshake(head({ 'Sec-WebSocket-Version': version })) as Refusal;
      assert.deepEqual(
        [refusal.reason, refusal.fields, refusal.close],
        ['upgrade_refused', ['upgrade', 'websocket', 'sec-websocket-version', '13'], undefined],
      );
    }
  });

  it('has one key of 16 bytes in base64', () => {
    for (const key of [
      undefined,
      '',
      'AAAAAAAAAAAAAAAAAAAAAA',
      'AAAAAAAAAAAAAAAAAAAAAA=',
      'AAAAAAAAAAAAAAAAAAAAAAA=',
      'AAAAAAAAAAAAAAAAAAAAAAAA',
      'AAAAAAAAAAA-_AAAAAAAAA==',
      `${sampleKey}x`,
      [sampleKey, sampleKey],
    ])
      assert.equal(outcome(head({ 'Sec-WebSocket-Key': key })), 'bad_request', String(key));
  });

  it('has none in HTTP/2, but a version', () => {
    assert.equal(outcome(http2Head()), 'handshake');
    assert.equal(outcome(http2Head(['sec-websocket-version', '13', 'sec-websocket-key', 'x'])), 'handshake');
    assert.equal(outcome(http2Head([])), 'upgrade_refused');
    assert.equal(outcome(http2Head(['sec-websocket-version', '8'])), 'upgrade_refused');
  });
});

describe('what a Route allows', () => {
  const settings: WebSocketSettings = {
    isEnabled: true,
    allowsOrigin: (origin) => origin === 'https://a.test',
    connectionsMax: 0,
    lifetimeMs: 0,
    message: undefined,
    pingIntervalMs: 0,
    pongTimeoutMs: 0,
  };
  const reasonOf = (of: RequestHead): string | undefined => checkHandshake(of, settings)?.reason;

  it('is an origin that it lists, or none, for clients that are no browsers', () => {
    assert.equal(reasonOf(head()), undefined);
    assert.equal(reasonOf(head({ Origin: 'https://a.test' })), undefined);
    for (const origin of [
      'https://b.test',
      'null',
      '',
      ['https://a.test', 'https://a.test'],
      'https://a.test, x',
    ])
      assert.equal(reasonOf(head({ Origin: origin })), 'forbidden', String(origin));
    assert.equal(
      reasonOf(http2Head(['sec-websocket-version', '13', 'origin', 'https://b.test'])),
      'forbidden',
    );
  });

  it('may be no WebSocket at all', () => {
    const refusal = checkHandshake(head(), { ...settings, isEnabled: false });
    assert.deepEqual([refusal?.reason, refusal?.fields], ['upgrade_refused', ['upgrade', 'HTTP/1.1']]);
  });
});

const fields = ['Sec-WebSocket-Key', sampleKey, 'Sec-WebSocket-Extensions', 'x', 'X-A', 'b'];

describe('what goes upstream', () => {
  it('is all that a client of HTTP/1.1 says, with its own key', () => {
    const own = handshake();
    assert.deepEqual(own.sent, { key: undefined });
    assert.deepEqual(own.sentFields(fields, false), fields);
  });

  it('is no offer of an extension where messages are read', () => {
    assert.deepEqual(handshake().sentFields(fields, true), ['Sec-WebSocket-Key', sampleKey, 'X-A', 'b']);
  });

  it('is a key of ours for a client of HTTP/2, and none of its own', () => {
    const [one, other] = [handshake(http2Head()), handshake(http2Head())];
    assert.match(one.sent.key!, /^[A-Za-z0-9+/]{22}==$/);
    assert.notEqual(one.sent.key, other.sent.key);
    assert.deepEqual(one.sentFields(fields, false), fields.slice(2));
    assert.deepEqual(one.sentFields(fields, true), ['X-A', 'b']);
  });
});

/** Of HTTP/1.1, to a request that has asked for an upgrade. */
function answer(status: number, changes: Record<string, string | undefined> = {}): ResponseHead {
  const all = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Accept': sampleAccept,
    ...changes,
  };
  const parser = new ResponseParser();
  parser.begin('GET', true);
  const text = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  );
  const event = parser.read(Buffer.from(`HTTP/1.1 ${status} X\r\n${text.join('')}\r\n`), 0);
  if (event !== ReadEvent.head) throw new Error(parser.fault?.detail);
  return parser.head!;
}

function http2Answer(status: number, isEnded: boolean, more: readonly string[] = []): ResponseHead {
  const read = readResponse([':status', String(status), ...more], { method: 'GET', isEnded });
  if (!('status' in read)) throw new Error(read.detail);
  return read;
}

describe('an answer', () => {
  it('of HTTP/1.1 agrees with 101, to websocket, and by the key', () => {
    assert.equal(handshake().judge(answer(101)), true);
    assert.equal(handshake().judge(answer(101, { Upgrade: 'WebSocket' })), true);
    assert.match(String(handshake().judge(answer(101, { Upgrade: 'h2c' }))), /another protocol/);
    for (const accept of [
      undefined,
      sampleAccept.toLowerCase(),
      'AAAAAAAAAAAAAAAAAAAAAAAAAAA=',
      `${sampleAccept}, x`,
    ])
      assert.match(
        String(handshake().judge(answer(101, { 'Sec-WebSocket-Accept': accept }))),
        /another Sec-WebSocket-Key/,
        String(accept),
      );
  });

  it('of HTTP/1.1 to a client of HTTP/2 agrees by our key', () => {
    const own = handshake(http2Head());
    const accept = acceptFor(`Sec-WebSocket-Key: ${own.sent.key}\r\n`);
    assert.equal(own.judge(answer(101, { 'Sec-WebSocket-Accept': accept })), true);
    assert.match(String(own.judge(answer(101))), /another Sec-WebSocket-Key/);
  });

  it('of any other status is an answer like others, which a client of HTTP/2 must not take for agreement', () => {
    for (const status of [200, 204, 302, 401, 426, 503]) {
      assert.equal(handshake().judge(answer(status)), false);
      const judged = handshake(http2Head()).judge(answer(status));
      if (status >= 300) assert.equal(judged, false);
      else assert.match(String(judged), new RegExp(`with ${status}$`));
    }
  });

  it('of HTTP/2 agrees with any 2xx that does not end the stream', () => {
    for (const asked of [head(), http2Head()]) {
      assert.equal(handshake(asked).judge(http2Answer(200, false)), true);
      assert.equal(handshake(asked).judge(http2Answer(299, false)), true);
      assert.match(String(handshake(asked).judge(http2Answer(200, true))), /ends a WebSocket as it begins/);
      assert.match(String(handshake(asked).judge(http2Answer(204, false))), /ends a WebSocket as it begins/);
      for (const status of [302, 403, 503])
        assert.equal(handshake(asked).judge(http2Answer(status, false)), false);
    }
  });

  it('uses no extension that was kept from it', () => {
    const extension = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
    const offered = handshake();
    offered.sentFields(fields, false);
    assert.equal(offered.judge(answer(101, extension)), true);
    const declined = handshake();
    declined.sentFields(fields, true);
    assert.equal(declined.judge(answer(101)), true);
    assert.match(String(declined.judge(answer(101, extension))), /nobody has offered/);
    const raw = ['sec-websocket-extensions', 'permessage-deflate'];
    assert.match(String(declined.judge(http2Answer(200, false, raw))), /nobody has offered/);
  });
});

describe('what the client is told', () => {
  const given = ['Sec-WebSocket-Accept', 'upstreams', 'Sec-WebSocket-Protocol', 'chat'];
  const protocol = given.slice(2);

  it('is the answer to its own key, whatever the upstream speaks', () => {
    const told = ['sec-websocket-accept', sampleAccept, ...protocol];
    assert.deepEqual(handshake().agreedFields(given), told);
    assert.deepEqual(handshake().agreedFields(protocol), told);
  });

  it('is none to a client of HTTP/2', () => {
    assert.deepEqual(handshake(http2Head()).agreedFields(given), protocol);
    assert.deepEqual(handshake(http2Head()).agreedFields(protocol), protocol);
  });
});
