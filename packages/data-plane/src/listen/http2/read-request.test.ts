// What the runtime refuses today before we see it is judged here by itself: its next version may let it through.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultLimits } from '@causeway/http1/limits';

import { readRequest } from './read-request.ts';

const start = [':method', 'POST', ':scheme', 'http', ':path', '/', ':authority', 'a'];

function read(...fields: string[]) {
  return readRequest([...start, ...fields], false, defaultLimits);
}

describe('readRequest', () => {
  for (const fields of [
    ['x', 'a\r\nb: c'],
    ['x', 'a\0'],
    ['x', 'a\x7f'],
    ['x\r\n', 'a'],
    ['x:', 'a'],
    ['x y', 'a'],
    ['X', 'a'],
    ['', 'a'],
    [':path', '/'],
    [':protocol', 'websocket'],
    ['x', 'y', ':foo', 'z'],
    ['host', 'a', 'host', 'a'],
    ['connection', 'close'],
    ['transfer-encoding', 'chunked'],
    ['te', 'gzip'],
    ['content-length', '1', 'content-length', '1'],
    ['content-length', '-1'],
    ['content-length', '9'.repeat(17)],
  ])
    it(`refuses ${JSON.stringify(fields)}`, () => {
      const result = read(...fields);
      assert.equal('fault' in result && result.fault, 'malformed');
    });

  it('refuses a body that a length tells of and that is not there', () => {
    const result = readRequest([...start, 'content-length', '1'], true, defaultLimits);
    assert.equal('fault' in result && result.fault, 'malformed');
    const empty = readRequest([...start, 'content-length', '0'], true, defaultLimits);
    assert.equal('fault' in empty, false);
  });

  it('takes CONNECT for what it is, and refuses it with a path', () => {
    const head = readRequest([':method', 'CONNECT', ':authority', 'a:443'], false, defaultLimits);
    assert.deepEqual('fault' in head ? head : [head.method, head.target], ['CONNECT', 'a:443']);
    const wrong = readRequest(
      [':method', 'CONNECT', ':path', '/', ':authority', 'a:443'],
      false,
      defaultLimits,
    );
    assert.equal('fault' in wrong && wrong.fault, 'malformed');
  });

  it('takes an extended CONNECT for a WebSocket as the GET of HTTP/1.1, and no other', () => {
    const text = ':method CONNECT :scheme https :path /chat :authority a :protocol';
    const fields = (protocol: string): string[] => [
      ...text.split(' '),
      protocol,
      'sec-websocket-version',
      '13',
    ];
    const head = readRequest(fields('websocket'), false, defaultLimits);
    assert.deepEqual('fault' in head ? head : [head.method, head.target, head.protocol, head.bodyLength], [
      'GET',
      '/chat',
      'websocket',
      0,
    ]);
    const ended = readRequest(fields('websocket'), true, defaultLimits);
    assert.equal('fault' in ended && ended.fault, 'malformed');
    const sized = readRequest([...fields('websocket'), 'content-length', '0'], false, defaultLimits);
    assert.equal('fault' in sized && sized.fault, 'malformed');
    const other = readRequest(fields('connect-udp'), false, defaultLimits);
    assert.equal('fault' in other && other.fault, 'not_implemented');
  });

  it('takes * for OPTIONS alone', () => {
    const options = [':method', 'OPTIONS', ':scheme', 'http', ':path', '*', ':authority', 'a'];
    const head = readRequest(options, true, defaultLimits);
    assert.equal('fault' in head ? head : head.target, '*');
    const get = readRequest(options.with(1, 'GET'), true, defaultLimits);
    assert.equal('fault' in get && get.fault, 'malformed');
  });

  it('tells expectations apart', () => {
    const facts = (value: string): number | object => {
      const head = read('expect', value);
      return 'fault' in head ? head : head.facts;
    };
    assert.notEqual(facts('100-Continue'), facts('other'));
  });
});
