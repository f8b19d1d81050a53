import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  CompiledRouteSchema,
  type WebSocketPolicySchema,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

import { readStreams, type WebSocketSettings } from './read-streams.ts';

function webSocket(policy?: MessageInitShape<typeof WebSocketPolicySchema>): WebSocketSettings {
  return readStreams(create(CompiledRouteSchema, policy === undefined ? {} : { webSocket: policy }))
    .webSocket;
}

describe('readStreams', () => {
  it('allows every WebSocket, unread, where the Route says nothing', () => {
    const { allowsOrigin, ...plain } = webSocket();
    const nothing = {
      isEnabled: true,
      connectionsMax: 0,
      lifetimeMs: 0,
      message: undefined,
      pingIntervalMs: 0,
      pongTimeoutMs: 0,
    };
    assert.deepEqual(plain, nothing);
    const { allowsOrigin: allowsOfEmpty, ...ofEmpty } = webSocket({});
    assert.deepEqual(ofEmpty, nothing);
    for (const allows of [allowsOrigin, allowsOfEmpty])
      assert.deepEqual(['https://a', 'null', ''].map(allows), [true, true, true]);
  });

  it('reads frames where something asks for it, with limits only where they are set', () => {
    const unlimited = { messageBytesMax: 0, messagesPerSecond: 0, refusesText: false, refusesBinary: false };
    assert.deepEqual(webSocket({ pingIntervalMs: 30_000, pongTimeoutMs: 10_000 }).message, unlimited);
    assert.deepEqual(webSocket({ messageBytesMax: 65_536n }).message, {
      ...unlimited,
      messageBytesMax: 65_536,
    });
    assert.deepEqual(webSocket({ messagesPerSecond: 5 }).message, { ...unlimited, messagesPerSecond: 5 });
    assert.deepEqual(webSocket({ refusesText: true }).message, { ...unlimited, refusesText: true });
    assert.deepEqual(webSocket({ refusesBinary: true }).message, { ...unlimited, refusesBinary: true });
    assert.equal(webSocket({ disabled: true, connectionsMax: 9, lifetimeMs: 7 }).message, undefined);
  });

  it('compares origins exactly, but for the case of letters', () => {
    const { allowsOrigin } = webSocket({
      allowOrigins: ['https://chat.example.com', 'http://localhost:5173'],
    });
    const allowed = ['https://chat.example.com', 'HTTPS://Chat.Example.com', 'http://localhost:5173'];
    const refused = [
      'http://chat.example.com',
      'https://chat.example.com:8443',
      'https://chat.example.com.evil.test',
      'https://evil.test/https://chat.example.com',
      'https://xchat.example.com',
      'http://localhost',
      'null',
      '',
    ];
    assert.deepEqual(allowed.filter(allowsOrigin), allowed);
    assert.deepEqual(refused.filter(allowsOrigin), []);
  });

  it('takes one or more labels for a *, and nothing else', () => {
    const { allowsOrigin } = webSocket({
      allowOrigins: ['https://*.example.com', 'https://*.example.net:8443'],
    });
    const allowed = ['https://a.example.com', 'https://a.b-c.example.com', 'https://a.example.net:8443'];
    const refused = [
      'https://example.com',
      'https://.example.com',
      'https://a..example.com',
      'http://a.example.com',
      'https://a.example.com:8443',
      'https://a.example.net',
      'https://evil.test/.example.com',
      'https://evil.test#.example.com',
      'https://user@a.example.com',
      'https://evil.test:1.example.com',
      'https://aexample.com',
    ];
    assert.deepEqual(allowed.filter(allowsOrigin), allowed);
    assert.deepEqual(refused.filter(allowsOrigin), []);
  });

  it('gives the silence of event streams and the grace of what expired in milliseconds', () => {
    const { eventsKeepAliveMs, expiryGraceMs } = readStreams(
      create(CompiledRouteSchema, { eventsKeepAliveMs: 15_000, expiryGraceMs: 500 }),
    );
    assert.deepEqual([eventsKeepAliveMs, expiryGraceMs], [15_000, 500]);
  });
});
