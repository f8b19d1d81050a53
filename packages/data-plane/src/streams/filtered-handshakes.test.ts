import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Filter } from '@causeway/filters/filter';

import { filteredNode } from '../testing/filtered-node.ts';
import { until } from '../testing/http-client.ts';
import { endpoints, serviceItem, startUpstream } from '../testing/node-fixture.ts';
import { openTunnelEnd, sampleAccept, type Spoken, tunnelUpstream } from '../testing/tunnel-ends.ts';
import { assertNothingLeft, tunnelNode } from '../testing/tunnel-node.ts';
import { fromUpstream } from '../testing/websocket-frames.ts';

const isHttp2 = (spoken: Spoken): boolean => spoken === 'h2c' || spoken === 'h2';

describe('filters of a Route', () => {
  it('see a handshake as a GET, and may refuse it', async (context) => {
    const { port, heads } = await tunnelUpstream(context);
    const seen: unknown[] = [];
    const fixture = await filteredNode(context, [port], {
      onRequestHead: ({ method, path, query, hasRequestBody }) => {
        seen.push(method, path, query, hasRequestBody);
        return { kind: 'refusal', reason: 'bad_request' };
      },
    });
    for (const spoken of ['http', 'h2c'] as const)
      assert.equal((await openTunnelEnd(context, fixture.port(), { spoken, path: '/a?b=c' })).status, 400);
    const each = ['GET', '/a', 'b=c', false];
    assert.deepEqual(seen, [...each, ...each]);
    assert.deepEqual(heads, []);
    await assertNothingLeft(fixture);
  });

  it('may answer it, and what they answer with 200 is no agreement of HTTP/1.1', async (context) => {
    const { port } = await tunnelUpstream(context);
    const answer = { kind: 'answer' as const, status: 403, fields: ['x-a', 'b'], body: Buffer.from('no') };
    const fixture = await filteredNode(context, [port], { onRequestHead: () => answer });
    for (const spoken of ['http', 'h2c'] as const) {
      const { status, end } = await openTunnelEnd(context, fixture.port(), { spoken });
      assert.equal(status, 403);
      await end.hears('no');
    }
    await assertNothingLeft(fixture);
  });

  it('may add to the fields of the agreement', async (context) => {
    for (const upstream of ['http', 'h2c'] as const) {
      const { port } = await tunnelUpstream(context, upstream);
      const hooks: Partial<Filter> = {
        onResponseHead: ({ responseFields }) => void responseFields.push('x-added', 'yes'),
      };
      const fixture = await filteredNode(context, [port], hooks, { upstream });
      for (const spoken of ['http', 'h2c'] as const) {
        const { status, head, end } = await openTunnelEnd(context, fixture.port(), { spoken });
        assert.equal(status, isHttp2(spoken) ? 200 : 101);
        assert.match(head, /x-added/);
        if (!isHttp2(spoken)) assert.equal(head.match(/sec-websocket-accept: (.*)\r/i)?.[1], sampleAccept);
        else assert.doesNotMatch(head, /sec-websocket-accept/i);
        end.cut();
      }
      await assertNothingLeft(fixture);
    }
  });

  for (const verdict of ['refusal', 'answer', 'status', 'cutsOff', 'throws'] as const)
    it(`may take the agreement back: ${verdict}`, async (context) => {
      for (const upstream of ['http', 'h2c'] as const) {
        const { port, ends } = await tunnelUpstream(context, upstream);
        const fixture = await filteredNode(
          context,
          [port],
          {
            onResponseHead: (exchange) => {
              if (verdict === 'throws') throw new Error('broken');
              if (verdict === 'cutsOff') return 'cutsOff';
              if (verdict === 'refusal') return { kind: 'refusal', reason: 'bad_request' };
              if (verdict === 'answer')
                return { kind: 'answer', status: 403, fields: [], body: Buffer.from('no') };
              exchange.responseStatus = 403;
              return undefined;
            },
          },
          { upstream },
        );
        const statuses = { refusal: 400, answer: 403, status: 403, cutsOff: 0, throws: 500 };
        for (const spoken of ['http', 'h2c'] as const) {
          const opened = await openTunnelEnd(context, fixture.port(), { spoken }).catch(() => ({
            status: 0,
          }));
          assert.equal(opened.status, statuses[verdict], `${spoken} to ${upstream}`);
        }
        await until('the upstreams are let go', () =>
          ends.every(({ isEnded, isClosed }) => isEnded || isClosed),
        );
        assert.equal(ends.length, 2);
        assert.equal(fixture.upgraded, 0);
        await assertNothingLeft(fixture);
      }
    });

  it('may have it mirrored: the copy is a plain request, and its answer is nobody’s', async (context) => {
    const { port, ends } = await tunnelUpstream(context);
    const copies: unknown[] = [];
    const shadow = await startUpstream(context, (request, response) => {
      copies.push([request.method, request.url, request.headers.upgrade]);
      response.end('copied');
    });
    const fixture = await tunnelNode(context, [port], {
      route: {
        filters: [
          {
            name: 'm',
            phase: 1,
            item: { case: 'mirror', value: { service: 'default/shadow', percent: 100 } },
          },
        ],
      },
    });
    await fixture.apply({ items: [serviceItem('shadow')], endpoints: [endpoints('shadow', [shadow.port])] });
    const { status, end } = await openTunnelEnd(context, fixture.port(), { path: '/m' });
    assert.equal(status, 101);
    ends[0]!.send(fromUpstream(1, 'hi'));
    await until('the message', () => end.received.equals(fromUpstream(1, 'hi')));
    await until('the copy', () => fixture.mirrored.length === 1);
    assert.deepEqual(copies, [['GET', '/m', undefined]]);
    assert.deepEqual(fixture.mirrored, ['success']);
    end.cut();
    await assertNothingLeft(fixture);
  });
});

describe('a filter that tells until when its word holds', () => {
  it('has the WebSocket end when it is over, unless it renews it', async (context) => {
    const { port } = await tunnelUpstream(context);
    let renewals = 0;
    const fixture = await filteredNode(context, [port], {
      onRequestHead: (exchange) => {
        exchange.expireAt(Date.now() + 50);
        return undefined;
      },
      onExpire: (exchange) => {
        renewals += 1;
        assert.deepEqual([exchange.path, exchange.requestHeader('host')], ['/', 'a']);
        return renewals < 3 ? Date.now() + 50 : undefined;
      },
    });
    const { end } = await openTunnelEnd(context, fixture.port());
    await end.hears('the credentials have expired');
    assert.equal(renewals, 3);
    assert.equal(end.received.readUInt16BE(2), 1008);
    end.cut();
    await assertNothingLeft(fixture);
    assert.equal(fixture.records[0]!.ended, 'expired');
  });

  it('fails closed when it throws', async (context) => {
    const { port } = await tunnelUpstream(context);
    const fixture = await filteredNode(context, [port], {
      onRequestHead: (exchange) => {
        exchange.expireAt(Date.now());
        return undefined;
      },
      onExpire: () => {
        throw new Error('broken');
      },
    });
    const { end } = await openTunnelEnd(context, fixture.port());
    await end.hears('the credentials have expired');
    assert.deepEqual(fixture.filterErrors, ['test']);
    end.cut();
    await assertNothingLeft(fixture);
  });
});
