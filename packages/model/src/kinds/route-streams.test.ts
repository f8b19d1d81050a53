import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { effectiveSpec, validateDocument } from '../validate-document.ts';
import { routeKind } from './route.ts';

function problemsOf(spec: object): string[] {
  const document = {
    apiVersion: 'causeway/v1',
    kind: 'Route',
    metadata: { name: 'chat' },
    spec: { backends: [{ service: 'chat' }], ...spec },
  };
  return (validateDocument(document).problems ?? []).map(
    ({ pointer, code, hint }) => `${pointer.slice('/spec/'.length)} ${code}${hint ? ` (${hint})` : ''}`,
  );
}

const websocket = (fields: object): string[] => problemsOf({ websocket: fields });
const origins = (...allowOrigins: unknown[]): string[] => websocket({ allowOrigins });

describe('what a Route says of streams', () => {
  it('has the defaults of the reference, and takes them as it gives them', () => {
    const spec = effectiveSpec(routeKind, { backends: [{ service: 'chat' }] });
    assert.deepEqual(spec.websocket, {
      enabled: true,
      allowOrigins: ['*'],
      maxConnections: 0,
      maxLifetime: '0s',
      pingInterval: '0s',
      pongTimeout: '10s',
      maxMessageSize: '0B',
      messagesPerSecond: 0,
      opcodes: ['text', 'binary'],
    });
    assert.deepEqual([spec.sse, spec.onExpire], [{ keepAlive: '0s' }, { grace: '0s' }]);
    assert.deepEqual(problemsOf({ websocket: spec.websocket, sse: spec.sse, onExpire: spec.onExpire }), []);
  });

  it('takes origins as browsers send them, and suffixes of hosts', () => {
    const good = [
      'https://chat.example.com',
      'https://chat.example.com:8443',
      'https://*.example.com',
      'http://*.test:3000',
      'http://localhost:5173',
      'http://127.0.0.1:8080',
      'https://[2001:db8::1]:444',
    ];
    assert.deepEqual([origins(...good), origins('*')], [[], []]);
  });

  const mended: [unknown, string][] = [
    ['chat.example.com', 'https://chat.example.com'],
    ['https://chat.example.com/', 'https://chat.example.com'],
    ['https://Chat.Example.com/room?x', 'https://chat.example.com'],
    ['https://chat.example.com:443', 'https://chat.example.com'],
    ['http://chat.example.com:80', 'http://chat.example.com'],
    ['wss://chat.example.com', 'https://chat.example.com'],
    ['ws://chat.example.com:81', 'http://chat.example.com:81'],
  ];
  for (const [written, meant] of mended)
    it(`says what ${String(written)} should be`, () =>
      assert.deepEqual(origins(written), [`websocket/allowOrigins/0 bad_format (did you mean "${meant}"?)`]));

  it('refuses what can be no origin, without guessing', () => {
    for (const bad of ['null', 'https://a*.example.com', 'https://a..b', 'https://a:99999', 'ftp://a', '', 7])
      assert.match(origins(bad).join('|'), /^websocket\/allowOrigins\/0 bad_format/, String(bad));
    assert.deepEqual(origins('ftp://a'), ['websocket/allowOrigins/0 bad_format']);
    assert.deepEqual(origins('null'), ['websocket/allowOrigins/0 bad_format']);
    assert.deepEqual(origins(`https://${'a'.repeat(300)}`), ['websocket/allowOrigins/0 out_of_range']);
  });

  it('wants one origin at least, none twice, and * alone', () => {
    assert.deepEqual(origins(), ['websocket/allowOrigins out_of_range']);
    assert.deepEqual(origins('https://a', 'https://a'), ['websocket/allowOrigins/1 duplicate']);
    assert.deepEqual(origins('*', 'https://a'), [
      'websocket/allowOrigins exclusive (remove the others, or *)',
    ]);
  });

  it('wants pings that are no load, and a timeout of pongs only where there are pings', () => {
    assert.deepEqual(websocket({ pingInterval: '99ms' }), ['websocket/pingInterval out_of_range']);
    assert.deepEqual(websocket({ pingInterval: '100ms', pongTimeout: '1ms' }), []);
    assert.deepEqual(websocket({ pingInterval: '30s', pongTimeout: '0s' }), [
      'websocket/pongTimeout out_of_range',
    ]);
    assert.deepEqual(problemsOf({ sse: { keepAlive: '99ms' } }), ['sse/keepAlive out_of_range']);
    assert.deepEqual(problemsOf({ sse: { keepAlive: '100ms' } }), []);
    assert.deepEqual(websocket({ pongTimeout: '5s' }), [
      'websocket/pongTimeout not_allowed_here (write pingInterval too, such as 30s)',
    ]);
  });

  it('wants a kind of message that may pass, and numbers within their bounds', () => {
    assert.deepEqual(websocket({ opcodes: [] }), ['websocket/opcodes out_of_range']);
    assert.deepEqual(websocket({ opcodes: ['text', 'text'] }), ['websocket/opcodes/1 duplicate']);
    assert.deepEqual(websocket({ opcodes: ['ping'] }), ['websocket/opcodes/0 bad_format']);
    assert.deepEqual(websocket({ messagesPerSecond: -1 }), ['websocket/messagesPerSecond out_of_range']);
    assert.deepEqual(websocket({ maxConnections: 10_000_001 }), ['websocket/maxConnections out_of_range']);
    assert.deepEqual(websocket({ maxConnections: 10_000_000, messagesPerSecond: 1_000_000 }), []);
    assert.deepEqual(websocket({ maxMessageSize: '64K' }), [
      'websocket/maxMessageSize bad_format (did you mean "64KiB"?)',
    ]);
  });

  it('knows the words of others, and what is not built yet', () => {
    assert.deepEqual(websocket({ origins: ['*'] }), [
      'websocket/origins unknown_field (did you mean "allowOrigins"?)',
    ]);
    assert.deepEqual(websocket({ heartbeat: '30s' }), [
      'websocket/heartbeat unknown_field (did you mean "pingInterval"?)',
    ]);
    assert.deepEqual(websocket({ maxConnectionsPerConsumer: 2 }), [
      'websocket/maxConnectionsPerConsumer unknown_field (this version has no such field yet)',
    ]);
  });
});
