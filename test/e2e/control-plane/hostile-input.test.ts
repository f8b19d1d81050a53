// Bodies made to cost memory, time or a crash: each refused, and the server goes on answering others meanwhile.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { rawConnect } from '../../kit/raw-client.ts';
import { adminToken, inNamespace, oneControlPlane, problemOf, root } from './one-control-plane.ts';

const json = 'application/json';
const patch = 'application/merge-patch+json';
const services = inNamespace('hostile', 'services');
const service = (name: string): object => ({
  apiVersion: 'causeway/v1',
  kind: 'Service',
  metadata: { name },
  spec: {},
});

describe('hostile input', () => {
  const plane = oneControlPlane();

  /** Resident memory of the control plane, in MB. */
  const residentMb = async (): Promise<number> => {
    const status = await readFile(`/proc/${plane.controlPlane.child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  };

  it('nested ten thousand and a million deep is refused wherever it comes in', async () => {
    const { admin } = plane;
    await admin.call('PUT', `${services}/a`, { body: service('a') });
    for (const depth of [10_000, 250_000]) {
      const [arrays, objects] = [
        `${'['.repeat(depth)}${']'.repeat(depth)}`,
        `${'{"a":'.repeat(depth / 2)}1${'}'.repeat(depth / 2)}`,
      ];
      for (const body of [arrays, objects]) {
        const answers = [
          await admin.call('POST', 'apply', { body, contentType: json }),
          await admin.call('POST', 'apply', { body: `{"kind":"List","items":[${body}]}`, contentType: json }),
          await admin.call('POST', 'apply', { body: `a: ${body}` }),
          await admin.call('PUT', `${services}/a`, { body, contentType: json }),
          await admin.call('PATCH', `${services}/a`, { body: `{"spec":${body}}`, contentType: patch }),
          await admin.call('POST', 'explain', { body: `{"request":${body}}`, contentType: json }),
        ];
        for (const { status, text } of answers) assert.ok([400, 413, 422].includes(status), text);
      }
    }
    assert.equal((await admin.call('GET', `${services}/a`)).status, 200);
  });

  it('with __proto__, constructor and their like pollutes nothing', async () => {
    const { admin } = plane;
    const keys = ['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString'];
    for (const key of keys) {
      const spec = `{"apiVersion":"causeway/v1","kind":"Service","metadata":{"name":"p"},"spec":{"${key}":{"polluted":true}}}`;
      problemOf(await admin.call('POST', 'apply', { body: spec, contentType: json }), 422, 'invalid');
      const envelope = `{"${key}":{"polluted":true},"apiVersion":"causeway/v1","kind":"Service","metadata":{"name":"p"}}`;
      problemOf(await admin.call('POST', 'apply', { body: envelope, contentType: json }), 422, 'invalid');
      problemOf(
        await admin.call('PATCH', `${services}/a`, {
          body: `{"${key}":{"polluted":true}}`,
          contentType: patch,
        }),
        422,
        'invalid',
      );
      problemOf(await admin.call('GET', `${services}/${key}`), 404, 'not_found');
      problemOf(await admin.call('GET', key), 404, 'not_found');
      problemOf(await admin.call('GET', `schema/${key}`), 404, 'not_found');
      problemOf(await admin.call('GET', `${services}?${key}=1`), 400, 'malformed');
      problemOf(await admin.call('GET', `nodes/${key}`), 404, 'not_found');
      const kind = { ...service('p'), kind: key };
      problemOf(await admin.call('POST', 'apply', { body: kind }), 422, 'invalid');
    }
    const secret = (data: string): string =>
      `{"apiVersion":"causeway/v1","kind":"Secret","metadata":{"name":"p"},"spec":{"data":${data}}}`;
    problemOf(
      await admin.call('POST', 'apply', { body: secret('{"__proto__":"x"}'), contentType: json }),
      422,
      'invalid',
    );
    const named = await admin.call('POST', 'apply', {
      body: secret('{"constructor":"x"}'),
      contentType: json,
    });
    assert.equal(named.status, 200, named.text);
    for (const key of ['constructor', 'prototype', 'tostring']) {
      const put = await admin.call('PUT', `${services}/${key}`, { body: service(key) });
      assert.equal(put.status, 201, put.text);
      assert.equal((await admin.call('GET', `${services}/${key}`)).status, 200);
    }
    const labelled = { ...service('l'), metadata: { name: 'l', labels: { constructor: 'x' } } };
    assert.equal((await admin.call('PUT', `${services}/l`, { body: labelled })).status, 201);
    const selected = await admin.call('GET', `${services}?labelSelector=constructor`);
    assert.equal((selected.field('items') as unknown[]).length, 1);
  });

  it('with a key twice is refused, in JSON and YAML, in every call', async () => {
    const { admin } = plane;
    const twice =
      '{"apiVersion":"causeway/v1","kind":"Service","metadata":{"name":"a","name":"b"},"spec":{}}';
    problemOf(await admin.call('POST', 'apply', { body: twice, contentType: json }), 400, 'malformed');
    problemOf(
      await admin.call('POST', 'apply', { body: 'metadata:\n  name: a\n  name: b\n' }),
      400,
      'malformed',
    );
    problemOf(await admin.call('PUT', `${services}/b`, { body: twice, contentType: json }), 400, 'malformed');
    problemOf(
      await admin.call('PATCH', `${services}/a`, { body: '{"spec":{},"spec":{}}', contentType: patch }),
      400,
      'malformed',
    );
    problemOf(
      await admin.call('POST', 'explain', { body: '{"gateway":"a","gateway":"b"}', contentType: json }),
      400,
      'malformed',
    );
  });

  it('that is no UTF-8 is refused', async () => {
    const body = Buffer.concat([Buffer.from('{"kind":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    problemOf(await plane.admin.call('POST', 'apply', { body, contentType: json }), 400, 'malformed');
  });

  it('of a million items, or of many keys and aliases, is refused soon and in little memory', async () => {
    const { admin } = plane;
    await admin.call('GET', services);
    const before = await residentMb();
    const items = `{"kind":"List","items":[${'0,'.repeat(1_000_000)}0]}`;
    problemOf(await admin.call('POST', 'apply', { body: items, contentType: json }), 413, 'too_large');
    const keys = Array.from({ length: 60_000 }, (_, index) => `"k${index}":1`).join(',');
    const wide = `{"apiVersion":"causeway/v1","kind":"Route","metadata":{"name":"w"},"spec":{${keys}}}`;
    problemOf(await admin.call('POST', 'apply', { body: wide, contentType: json }), 422, 'invalid');
    const laughs = ['a: &a [x,x,x,x,x,x,x,x,x,x]'];
    for (const [index, key] of ['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].entries())
      laughs.push(`${key}: &${key} [${Array(10).fill(`*${'abcdefghij'[index]}`).join(',')}]`);
    problemOf(await admin.call('POST', 'apply', { body: laughs.join('\n') }), 400, 'malformed');
    const wrong = Array.from({ length: 20_000 }, () => '{}').join(',');
    const many = await admin.call('POST', 'apply', {
      body: `{"kind":"List","items":[${wrong}]}`,
      contentType: json,
    });
    const { detail, errors } = problemOf(many, 422, 'invalid');
    assert.match(detail, /60000 problems in 20000 of 20000 documents/);
    assert.equal(errors.length, 1000);
    const after = await residentMb();
    assert.ok(after - before < 150, `${before.toFixed(0)} MB before, ${after.toFixed(0)} MB after`);
  });

  it('of 1 GB is refused while others are served', async (t) => {
    const { controlPlane, admin } = plane;
    const head = `POST ${root}/apply HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${await adminToken(controlPlane)}\r\n`;
    const client = await rawConnect(t, controlPlane.adminPort);
    await client.send(`${head}content-type: ${json}\r\ncontent-length: 1000000000\r\n\r\n`);
    assert.equal((await client.readResponse()).status, 413);
    const before = await residentMb();
    const sending = (async () => {
      for (let sent = 0; sent < 400; sent++) await client.send(Buffer.alloc(1_000_000, 0x20));
    })().catch(() => {
      // The server may close a connection whose body it has refused.
    });
    const startedMs = performance.now();
    assert.equal((await admin.call('GET', services)).status, 200);
    assert.ok(performance.now() - startedMs < 10_000);
    await sending;
    // Far below what was sent, and far above what garbage collection leaves lying about.
    const grown = (await residentMb()) - before;
    assert.ok(grown < 200, `${grown} MB`);
  });

  it('that comes slowly holds up nobody', async (t) => {
    const { controlPlane, admin } = plane;
    const head = `PUT ${root}/${services}/slow HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${await adminToken(controlPlane)}\r\n`;
    const slow = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const client = await rawConnect(t, controlPlane.adminPort);
        await client.send(`${head}content-type: ${json}\r\ncontent-length: 1000\r\n\r\n{`);
        return client;
      }),
    );
    const written = await admin.call('PUT', `${services}/quick`, { body: service('quick') });
    assert.equal(written.status, 201);
    for (const client of slow) client.reset();
    problemOf(await admin.call('GET', `${services}/slow`), 404, 'not_found');
  });
});
