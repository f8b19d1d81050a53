// Invariant 11: a secret that went in never comes out, by whatever way one looks.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type ControlPlane, startControlPlane } from '../../kit/processes.ts';
import { adminToken, inNamespace, problemOf } from './one-control-plane.ts';

/** Values that stand nowhere else, so that finding one of them anywhere is a leak. */
const values = {
  password: 'S3cret-tr0ub4dor-and-3',
  multiline: '-----BEGIN PRIVATE KEY-----\nMIIBVgIBADANBgkqhkiG9w0-kept\n-----END PRIVATE KEY-----\n',
  unicode: 'pässwörd-schlüssel-ü',
};
const replaced = 'S3cret-the-second-one';
const secrets = inNamespace('vault', 'secrets');
const document = (data: object, name = 'db'): object => ({
  apiVersion: 'causeway/v1',
  kind: 'Secret',
  metadata: { name },
  spec: { data },
});

/** Everything by which a value could be recognised. */
const tracesOf = (value: string): string[] => [
  value,
  value.split('\n')[1] ?? value,
  JSON.stringify(value).slice(1, -1),
  Buffer.from(value).toString('base64'),
  Buffer.from(value).toString('hex'),
  encodeURIComponent(value),
];
const traces = [...Object.values(values), replaced].flatMap(tracesOf).filter((trace) => trace.length > 8);

function assertNoTrace(text: string | Buffer, where: string): void {
  for (const trace of traces) assert.ok(!text.includes(trace), `${where} shows ${trace.slice(0, 12)}...`);
}

const filesUnder = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((file) => join(directory, file))
    .filter((file) => statSync(file).isFile());

/** A control plane that was given secrets in every way, right and wrong, and what it answered. */
async function planeWithSecrets(t: TestContext): Promise<{ controlPlane: ControlPlane; answers: string[] }> {
  const controlPlane = await startControlPlane(t, { flags: ['--log-level', 'debug'] });
  const { admin } = controlPlane;
  const answers: string[] = [];
  const call = async (method: string, path: string, options: Parameters<typeof admin.call>[2] = {}) => {
    const answer = await admin.call(method, path, options);
    answers.push(answer.text, JSON.stringify(answer.headers));
    return answer;
  };
  const merge = 'application/merge-patch+json';
  assert.equal((await call('PUT', `${secrets}/db`, { body: document(values) })).status, 201);
  assert.equal((await call('POST', 'apply?namespace=vault', { body: document(values, 'two') })).status, 200);
  assert.equal(
    (await call('POST', 'apply?namespace=vault&dryRun=All', { body: document(values, 'dry') })).status,
    200,
  );
  await call('PUT', `${secrets}/db?dryRun=All`, { body: document({ password: replaced }) });
  const patched = await call('PATCH', `${secrets}/db`, {
    body: { spec: { data: { password: replaced } } },
    contentType: merge,
  });
  assert.equal(patched.status, 200);
  for (const body of [
    { ...document(values), spec: { data: values, stringData: values } },
    { ...document(values), spec: values.password },
    { ...document(values), data: values },
    document({ password: { value: values.password } }),
    document({ password: [values.password] }),
    document({ password: { secret: values.password } }),
    { ...document(values), metadata: { name: 'db', resourceVersion: '999' } },
  ])
    assert.ok((await call('PUT', `${secrets}/db`, { body })).status >= 400);
  for (const body of [
    `{"kind":"Secret","spec":{"data":{"password": ${values.password}}}}`,
    `{"kind":"Secret","spec":{"data":{"password":"${values.password}"}}`,
    `{"spec":{"data":{"password":"${values.password}","password":"${replaced}"}}}`,
  ])
    problemOf(
      await call('PUT', `${secrets}/db`, { body, contentType: 'application/json' }),
      400,
      'malformed',
    );
  for (const scalar of [
    `*${values.password}`,
    `!${values.password} x`,
    `"${values.password}`,
    `'${replaced}' x`,
  ])
    problemOf(
      await call('POST', 'apply', { body: `kind: Secret\nspec: {data: {password: ${scalar}}}` }),
      400,
      'malformed',
    );
  for (const path of [
    secrets,
    'secrets',
    `${secrets}/db`,
    'revisions',
    'revisions/1',
    'revisions/1/status',
    '/metrics',
    '/openapi.json',
  ])
    assert.equal(
      (await call('GET', path, { headers: { accept: 'application/yaml, application/json' } })).status,
      200,
    );
  assert.equal((await call('DELETE', `${secrets}/two`)).status, 200);
  return { controlPlane, answers };
}

describe('secrets (invariant 11)', () => {
  it('are in no answer, header, log line, metric or file', async (t) => {
    const { controlPlane, answers } = await planeWithSecrets(t);
    for (const answer of answers) assertNoTrace(answer, 'an answer');
    for (const line of controlPlane.child.logs) assertNoTrace(JSON.stringify(line), 'the log');
    for (const line of controlPlane.child.output) assertNoTrace(line, 'stdout');
    for (const file of filesUnder(controlPlane.dataDir)) assertNoTrace(readFileSync(file), file);
    await controlPlane.stop();
    for (const file of filesUnder(controlPlane.dataDir)) assertNoTrace(readFileSync(file), file);
  });

  it('read back hidden, are kept by writing that back, and are no change when written again', async (t) => {
    const { admin } = await startControlPlane(t);
    await admin.call('PUT', `${secrets}/db`, { body: document({ password: values.password }) });
    const read = await admin.call('GET', `${secrets}/db`);
    assert.deepEqual(read.field('spec'), { data: { password: '(hidden)' } });
    for (const body of [read.json() as object, document({ password: values.password })]) {
      const again = await admin.call('PUT', `${secrets}/db`, { body });
      assert.equal(again.status, 200);
      assert.equal(again.headers['causeway-revision'], undefined);
    }
    const other = await admin.call('PUT', `${secrets}/db`, { body: document({ password: replaced }) });
    assert.equal(other.field('metadata', 'generation'), 2);
    const missing = await admin.call('PUT', `${secrets}/new`, {
      body: document({ password: '(hidden)' }, 'new'),
    });
    const [problem] = problemOf(missing, 422, 'invalid').errors;
    assert.deepEqual([problem?.pointer, problem?.code], ['/spec/data/password', 'missing']);
    const added = await admin.call('PATCH', `${secrets}/db`, {
      body: { spec: { data: { more: '(hidden)' } } },
      contentType: 'application/merge-patch+json',
    });
    problemOf(added, 422, 'invalid');
  });

  it('have a limit of 64 KiB together', async (t) => {
    const { admin } = await startControlPlane(t);
    const put = (bytes: number) =>
      admin.call('PUT', `${secrets}/big`, { body: document({ a: 'x'.repeat(bytes - 1) }, 'big') });
    assert.equal((await put(65_536)).status, 201);
    const refused = problemOf(await put(65_537), 422, 'invalid');
    assert.equal(refused.errors[0]?.code, 'out_of_range');
  });

  it('and credentials are in files that nobody else can read, tokens only as hashes in the store', async (t) => {
    const controlPlane = await startControlPlane(t);
    const token = await adminToken(controlPlane);
    for (const file of filesUnder(controlPlane.dataDir)) {
      assert.equal(statSync(join(file, '..')).mode & 0o077, 0, `the directory of ${file}`);
      if (/\.(token|key|yaml)$/.test(file)) assert.equal(statSync(file).mode & 0o777, 0o600, file);
      if (!file.endsWith('admin.token')) assert.ok(!readFileSync(file).includes(token.slice(4)), file);
    }
    for (const line of controlPlane.child.logs) assert.ok(!JSON.stringify(line).includes(token.slice(4)));
    const commandLine = readFileSync(`/proc/${controlPlane.child.pid}/cmdline`, 'utf8');
    assert.ok(!commandLine.includes(token.slice(4)));
  });
});
