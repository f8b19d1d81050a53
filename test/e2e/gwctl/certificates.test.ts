import { test } from 'node:test';
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { repository, startSystem } from '../../kit/processes.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { startTranscript } from './transcript.ts';

const certificate = (name: string, spec: object): Resource => ({
  kind: 'Certificate',
  metadata: { name },
  spec,
});

test('certificates and the Services that use them', async (t) => {
  const authority = await TestAuthority.create('Shop CA');
  const www = await authority.issue({ names: ['www.example.com', 'example.com'] });
  const other = await authority.issue({ names: ['other.example.com'] });
  const system = await startSystem(t, { nodes: ['edge-1'] });
  await system.apply(await readFile(join(repository, 'deploy/examples/upstream-tls.yaml'), 'utf8'));
  const tls = { serverName: 'orders.internal', verify: false, clientCertificate: 'www' };
  await system.apply([
    certificate('www', { ...www }),
    certificate('unused', { certificate: other.certificate, key: { secret: 'tls', key: 'tls.key' } }),
    { kind: 'Secret', metadata: { name: 'tls' }, spec: { data: { 'tls.key': other.key } } },
    service('orders', [9001], { protocol: 'https', tls }),
    route('orders', '/orders', 'orders'),
    gateway({
      accessLog: { format: 'combined', samplePercent: 10 },
      forwarding: { via: true },
    }),
  ]);
  const variables = [www, other].flatMap(({ certificate: pem }, index): [string, string][] => {
    const { fingerprint256, validFromDate, validToDate } = new X509Certificate(pem);
    const sha256 = fingerprint256.replaceAll(':', '').toLowerCase();
    return [
      [sha256, `<sha256-${index}>`],
      [validFromDate.toISOString(), '<time>'],
      [validToDate.toISOString(), '<time>'],
    ];
  });
  const session = await startTranscript(t, { config: system.controlPlane.gwctlConfig, variables });
  await session.gwctl('get', 'certificates');
  await session.gwctl('get', 'cert', '-o', 'wide');
  await session.gwctl('describe', 'cert/www');
  await session.gwctl('describe', 'cert', 'unused');
  await session.gwctl('describe', 'service', 'orders');
  await session.gwctl('describe', 'svc/payments');
  await session.gwctl('describe', 'gateway', 'default');
  await session.gwctl('get', 'cert', 'internal-ca', '-o', 'yaml');
  await session.gwctl('explain', 'certificate.spec');
  await session.gwctl('explain', 'service.spec.tls');
  await session.gwctl('delete', 'cert', 'internal-ca');
  await session.file('bad.yaml', mistakes(www.certificate, other.key));
  await session.gwctl('apply', '-f', 'bad.yaml');
  await session.matches('certificates');
});

/** A key of somebody else, and TLS without a protocol for it. */
function mistakes(chain: string, key: string): string {
  const block = (pem: string): string => pem.trim().replaceAll(/^/gm, '    ');
  return `apiVersion: causeway/v1
kind: Service
metadata: {name: plain}
spec:
  tls: {trust: [internal-c]}
---
apiVersion: causeway/v1
kind: Certificate
metadata: {name: mixed}
spec:
  key: |
${block(key)}
  certificate: |
${block(chain)}
`;
}
