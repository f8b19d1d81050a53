// Filters that read whole bodies, from the admin API to the bytes on both sides of a node.

import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { text as textOf } from 'node:stream/consumers';
import { request } from 'undici';
import { eventually } from '../../kit/eventually.ts';
import { scrape } from '../../kit/metrics.ts';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { listen } from '../../kit/upstreams/listen.ts';

const scope = new OwnScope();
let system: System;
let port: number;

const document = `
openapi: 3.1.0
info: {title: Orders, version: "1"}
servers: [{url: https://api.example.com/api}]
paths:
  /orders:
    post:
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: "#/components/schemas/Order"}}
  /orders/{id}:
    get:
      parameters:
        - {name: id, in: path, required: true, schema: {type: integer}}
        - {name: expand, in: query, schema: {type: array, items: {enum: [lines, customer]}}}
components:
  schemas:
    Order:
      type: object
      required: [sku, count]
      additionalProperties: false
      properties:
        sku: {type: string, pattern: "^[A-Z]{3}$"}
        count: {type: integer, minimum: 1}
`;

const apiSpec = (name: string, text: string): Resource => ({
  kind: 'ApiSpec',
  metadata: { name },
  spec: { document: text },
});

const resources = (upstream: number): Resource[] => [
  gateway(),
  service('mirror', [upstream]),
  apiSpec('orders', document),
  route('api', '/api', 'mirror', { filters: [{ validate: { openapi: 'orders' } }] }),
  route('tried', '/tried', 'mirror', {
    filters: [{ enforcement: 'shadow', validate: { query: { required: ['page'] } } }],
  }),
  route('inline', '/inline', 'mirror', {
    filters: [{ validate: { body: { type: 'array', maxItems: 2 }, maxBodySize: '1KiB' } }],
  }),
  route('changed', '/changed', 'mirror', {
    filters: [
      {
        transformJson: {
          request: [
            { op: 'remove', path: '/secret' },
            { op: 'add', path: '/host', value: '${request.host}' },
          ],
          response: [{ op: 'move', from: '/count', path: '/total' }],
        },
      },
    ],
  }),
];

async function ask(path: string, method = 'GET', body?: string, headers: Record<string, string> = {}) {
  const answer = await request(`http://127.0.0.1:${port}${path}`, {
    method: method as 'GET',
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    body: body ?? null,
  });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}

/** Status and what the problem says is wrong. */
async function faultsOf(...args: Parameters<typeof ask>): Promise<unknown[]> {
  const { status, text } = await ask(...args);
  const { reason, errors = [] } = JSON.parse(text) as { reason?: string; errors?: Record<string, string>[] };
  return [
    status,
    reason,
    ...errors.map((each) => `${each['in']} ${each['name'] ?? ''}${each['pointer']}: ${each['detail']}`),
  ];
}

async function mirrored(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const text = await textOf(incoming);
  response.writeHead(200, { 'content-type': 'application/json', 'x-length': Buffer.byteLength(text) });
  response.end(text === '' ? '{}' : text);
}

describe('bodies and schemas', () => {
  before(async () => {
    const mirror = createServer((incoming, response) => {
      void mirrored(incoming, response);
    });
    system = await startSystem(scope, { resources: resources(await listen(scope, mirror)) });
    port = await system.nodes[0]!.trafficPort();
  });
  after(() => scope.end());

  it('judges requests by the operations of an ApiSpec', async () => {
    const good = '{"sku":"ABC","count":1}';
    assert.deepEqual(await ask('/api/orders', 'POST', good).then(({ status, text }) => [status, text]), [
      200,
      good,
    ]);
    assert.equal((await ask('/api/orders/7?expand=lines&expand=customer')).status, 200);
    assert.deepEqual(await faultsOf('/api/orders', 'POST', '{"sku":"abc","more":1}'), [
      400,
      'bad_request',
      'body /count: is missing',
      'body /more: is not a known member',
      'body /sku: must match pattern "^[A-Z]{3}$"',
    ]);
    assert.deepEqual(await faultsOf('/api/orders/seven?expand=all'), [
      400,
      'bad_request',
      'path id: must be integer',
      'query expand/0: must be equal to one of the allowed values',
    ]);
    assert.deepEqual(await faultsOf('/api/orders/%37'), [200, undefined]);
    assert.deepEqual(await faultsOf('/api/orders', 'POST'), [400, 'bad_request', 'body : is missing']);
    assert.deepEqual(await faultsOf('/api/orders', 'DELETE'), [
      400,
      'bad_request',
      'path : is one that the document has no such method for',
    ]);
    assert.deepEqual(await faultsOf('/api/orders', 'POST', good, { 'content-type': 'text/plain' }), [
      400,
      'bad_request',
      'header content-type: is none of application/json',
    ]);
    assert.deepEqual(await faultsOf('/api/orders', 'POST', good, { 'content-encoding': 'gzip' }), [
      400,
      'bad_request',
      'header content-encoding: must not be there',
    ]);
  });

  it('judges bodies by schemas of a Route, of bounded size', async () => {
    assert.equal((await ask('/inline', 'POST', '[1,2]')).status, 200);
    assert.deepEqual(await faultsOf('/inline', 'POST', '[1,2,3]'), [
      400,
      'bad_request',
      'body : must NOT have more than 2 items',
    ]);
    assert.deepEqual(await faultsOf('/inline', 'POST', `["${'x'.repeat(2000)}"]`), [
      413,
      'payload_too_large',
    ]);
  });

  it('only counts in shadow', async () => {
    assert.equal((await ask('/tried')).status, 200);
    await eventually(() => scrape(system.nodes[0]!), {
      what: 'the refusal in shadow is counted',
      until: (now) =>
        now.sum('causeway_filter_refusals_total', { filter: 'validate', enforcement: 'shadow' }) === 1,
    });
  });

  it('takes another document while traffic flows, and refuses one that is none', async () => {
    const { admin } = system;
    const next = document.replace('minimum: 1', 'minimum: 5');
    await system.apply([apiSpec('orders', next)]);
    assert.deepEqual(await faultsOf('/api/orders', 'POST', '{"sku":"ABC","count":1}'), [
      400,
      'bad_request',
      'body /count: must be >= 5',
    ]);
    const bad = document.replace('type: integer, minimum', 'type: int, minimum');
    const answer = await admin.call('POST', 'apply', {
      body: JSON.stringify({ apiVersion: 'causeway/v1', ...apiSpec('orders', bad) }),
    });
    assert.equal(answer.status, 422, answer.text);
    assert.match(answer.text, /\/spec\/document\/components\/schemas\/Order/);
    assert.equal((await ask('/api/orders', 'POST', '{"sku":"ABC","count":5}')).status, 200);
  });

  it('changes JSON on its way, both ways', async () => {
    const { status, headers, text } = await ask('/changed', 'POST', '{"secret":"x","count":2.50}', {
      host: 'a.test',
    });
    assert.deepEqual([status, text], [200, '{"host":"a.test","total":2.50}']);
    assert.equal(headers['x-length'], String('{"count":2.50,"host":"a.test"}'.length));
    assert.equal((await ask('/changed', 'POST', '{', { host: 'a.test' })).status, 400);
  });
});
