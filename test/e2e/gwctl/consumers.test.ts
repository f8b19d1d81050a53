import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { repository, startSystem } from '../../kit/processes.ts';
import { startTranscript } from './transcript.ts';

test('Consumers and what stands for them', async (t) => {
  const system = await startSystem(t, { nodes: ['edge-1'] });
  const example = await readFile(join(repository, 'deploy/examples/consumers.yaml'), 'utf8');
  const session = await startTranscript(t, { config: system.controlPlane.gwctlConfig });
  await session.file('consumers.yaml', example);
  await session.gwctl('apply', '-f', 'consumers.yaml', '--wait');
  await session.gwctl('get', 'consumers');
  await session.gwctl('get', 'con', '-o', 'wide');
  await session.gwctl('describe', 'consumer', 'acme');
  await session.gwctl('get', 'consumer', 'acme', '-o', 'yaml');
  await session.gwctl('describe', 'route', 'orders');
  await session.file('consumers.yaml', example.replace('change-me-change-me', 'another-secret-key-of-acme'));
  await session.gwctl('diff', '-f', 'consumers.yaml');
  await session.gwctl('explain', 'consumer.spec.keys');
  await session.file('bad.yaml', mistakes);
  await session.gwctl('apply', '-f', 'bad.yaml');
  await session.file('same.yaml', takenKey);
  await session.gwctl('apply', '-f', 'same.yaml');
  const create = ['consumer', 'key', 'create', 'acme', '--name', 'ci-2028'];
  await session.gwctl(...create, '--expires', '2999-01-01T00:00:00Z', '--wait');
  await session.gwctl(...create);
  await session.gwctl(...create, '--ttl', '1h', '--expires', '2999-01-01T00:00:00Z');
  await session.gwctl('consumer', 'key', 'create', 'acme', '--expires', '2020-01-01T00:00:00Z');
  await session.gwctl('consumer', 'key', 'create', 'acme', '--expires', 'tomorrow');
  await session.gwctl('consumer', 'key', 'rotate', 'acme', 'ci-2028', '--overlap', '90d');
  await session.gwctl('consumer', 'key', 'rotate', 'acme', 'ci-2028', '--overlap', '2d');
  await session.gwctl('consumer', 'key', 'rotate', 'acme', 'ci-2027');
  await session.gwctl('consumer', 'key', 'list', 'acme');
  await session.gwctl('describe', 'consumer', 'acme');
  await session.gwctl('complete', '--', 'consumer', 'key', 'revoke', 'acme', '');
  await session.gwctl('complete', '--', 'consumer', 'key', 'create', '');
  await session.gwctl('consumer', 'key', 'revoke', 'acme', 'ci-2028', '--wait');
  await session.gwctl('consumer', 'key', 'revoke', 'nobody', 'ci-2028');
  await session.gwctl('consumer', 'key', 'revoke', 'acme', '..');
  await session.file('limited.yaml', limited);
  await session.gwctl('apply', '-f', 'limited.yaml', '--wait');
  await session.gwctl('get', 'consumers', '-o', 'wide');
  await session.gwctl('describe', 'consumer', 'limited');
  await session.gwctl('consumer', 'key', 'rotate', '--help');
  await session.matches('consumers');
});

const takenKey = `apiVersion: causeway/v1
kind: Consumer
metadata: {name: copycat}
spec:
  keys: [{name: mine, value: change-me-change-me}]
  passwords: [{username: acme, password: whatever it is}]
`;

const limited = `apiVersion: causeway/v1
kind: Consumer
metadata: {name: limited}
spec:
  limits: [{name: hourly, requests: 1000, per: 1h}, {name: shared, requests: 10, per: 1s, burst: 20, scope: cluster}]
  quotas: [{name: monthly, requests: 100000, per: month, timeZone: Europe/Berlin}]
`;

const mistakes = `apiVersion: causeway/v1
kind: Consumer
metadata: {name: bad}
spec:
  consumerGroups: [gold]
  limits: []
  keys: [{name: k, value: short, expiresAt: tomorrow}]
  passwords: [{username: "a:b", password: x}]
  clientCertificates: [{san: "ip:10.0.0.1"}, {sha256: AB}]
---
apiVersion: causeway/v1
kind: Middleware
metadata: {name: bad}
spec:
  filters:
    - apiKey: {from: [address]}
    - anyOf: [{apiKey: {}, basicAuth: {}}]
    - basicAuth: {realm: 'a"b'}
`;
