import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAdminClient } from './client.ts';
import { AdminApiError, Unreachable } from './errors.ts';

const token = 'cwt_not-to-be-seen';

interface Seen {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: string;
}

/** A server that notes what it was asked and answers with `respond`, and a client of it. */
async function served(
  t: TestContext,
  respond: (response: ServerResponse, seen: Seen) => void | Promise<void>,
) {
  const seen: Seen[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url, headers } = request;
    const asked = { method, url, headers, body: await text(request) };
    seen.push(asked);
    await respond(response, asked);
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    seen,
    server,
    client: createAdminClient({ server: url, token, userAgent: 'gwctl/1', context: 'x', timeoutMs: 500 }),
  };
}

function json(body: unknown, status = 200, headers: Record<string, string> = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

describe('admin client', () => {
  it('sends its token and user agent, and leaves absent parameters out', async (t) => {
    const { client, seen } = await served(t, json({ items: [], metadata: { continue: '' } }));
    await client.list('rt', { namespace: 'shop', labelSelector: 'a in (b,c)', limit: undefined });
    assert.equal(seen[0]?.url, '/apis/causeway/v1/namespaces/shop/routes?labelSelector=a+in+%28b%2Cc%29');
    assert.equal(seen[0]?.headers.authorization, `Bearer ${token}`);
    assert.equal(seen[0]?.headers['user-agent'], 'gwctl/1');
  });

  it('follows the pages of a listing', async (t) => {
    const { client, seen } = await served(t, (response, { url }) => {
      const last = url?.includes('continue=more') === true;
      json({ items: [last ? 2 : 1], metadata: { continue: last ? '' : 'more' } })(response);
    });
    assert.deepEqual(await client.listAll<number>('services'), [1, 2]);
    assert.equal(seen.length, 2);
  });

  it('reads an object of namespace default when none is named, and hands out its warnings', async (t) => {
    const warning = '299 causeway "a \\"b\\", c", 299 causeway "d"';
    const { client, seen } = await served(t, json({ kind: 'Route' }, 200, { warning }));
    const warnings: string[] = [];
    await client.get('route', 'orders', { onWarning: (text_) => warnings.push(text_) });
    assert.equal(seen[0]?.url, '/apis/causeway/v1/namespaces/default/routes/orders');
    assert.deepEqual(warnings, ['a "b", c', 'd']);
  });

  it('applies values as JSON and text as YAML', async (t) => {
    const { client, seen } = await served(t, json({ revision: 1 }));
    await client.apply({ documents: [{ a: 1 }], remove: ['gateway/x'] }, { dryRun: true, force: true });
    await client.apply('kind: Route', { message: 'x y' });
    assert.equal(seen[0]?.url, '/apis/causeway/v1/apply?force=true&dryRun=All');
    assert.deepEqual(JSON.parse(seen[0].body), { kind: 'List', items: [{ a: 1 }], remove: ['gateway/x'] });
    assert.equal(seen[1]?.url, '/apis/causeway/v1/apply?message=x+y');
    assert.equal(seen[1].headers['content-type'], 'application/yaml');
  });

  it('guards a write by the version that was read', async (t) => {
    const { client, seen } = await served(t, json({}));
    await client.put('gateways', 'default', { spec: {} }, { ifMatch: '7' });
    await client.patch('routes', 'a', { spec: null }, { namespace: 'shop' });
    await client.delete('routes', 'a', { dryRun: true });
    assert.deepEqual(
      seen.map(({ method, url, headers }) => [method, url, headers['content-type'], headers['if-match']]),
      [
        ['PUT', '/apis/causeway/v1/gateways/default', 'application/json', '"7"'],
        ['PATCH', '/apis/causeway/v1/namespaces/shop/routes/a', 'application/merge-patch+json', undefined],
        ['DELETE', '/apis/causeway/v1/namespaces/default/routes/a?dryRun=All', undefined, undefined],
      ],
    );
  });

  it('throws the problem document of a refusal', async (t) => {
    const problem = { status: 409, code: 'conflict', detail: 'no', errors: [{ pointer: '/spec' }] };
    const headers = { 'content-type': 'application/problem+json' };
    const { client } = await served(t, json(problem, 409, headers));
    await assert.rejects(client.get('routes', 'a'), (error) => {
      assert.ok(error instanceof AdminApiError);
      assert.equal(error.status, 409);
      assert.deepEqual(error.problem.errors, problem.errors);
      return true;
    });
  });

  it('says so when the answer is of something else than an admin API', async (t) => {
    const { client } = await served(t, (response, { url }) => {
      response.writeHead(url === '/version' ? 200 : 404, { 'content-type': 'text/html' }).end('<p>hi');
    });
    await assert.rejects(client.kinds(), /answered 404 with text\/html; is it a Causeway admin API\?/);
    await assert.rejects(client.version(), /not JSON; is it a Causeway admin API\?/);
  });

  it('names server and context, never the token, when nobody listens', async (t) => {
    const { client, server } = await served(t, json({}));
    server.close();
    await assert.rejects(client.kinds(), (error) => {
      assert.ok(error instanceof Unreachable);
      assert.match(
        error.message,
        /^cannot reach the control plane at http:\/\/127.0.0.1:\d+ \(context x\): connection refused$/,
      );
      assert.doesNotMatch(String(error.stack) + JSON.stringify(error), /not-to-be-seen/);
      return true;
    });
  });

  it('gives up on a server that does not answer', async (t) => {
    const { client } = await served(t, () => sleep(2_000, undefined, { ref: false }));
    await assert.rejects(client.kinds(), /no answer in time/);
  });

  it('yields the lines of a watch as they come, however they are cut', async (t) => {
    const { client } = await served(t, async (response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      for (const part of ['{"state":"pen', 'ding"}\n{"state":', '"applied"}\n']) {
        response.write(part);
        await sleep(20);
      }
      response.end();
    });
    const states: string[] = [];
    for await (const status of client.watchRevision(3)) states.push(status.state);
    assert.deepEqual(states, ['pending', 'applied']);
  });

  it('ends a watch with the reason of the signal', async (t) => {
    const { client } = await served(t, (response) => void response.writeHead(200).write('{"revision":3}\n'));
    const controller = new AbortController();
    const reason = new Error('enough');
    await assert.rejects(async () => {
      for await (const { revision } of client.watchRevision(3, controller.signal)) {
        assert.equal(revision, 3);
        controller.abort(reason);
      }
    }, reason);
  });
});
