import assert from 'node:assert/strict';
import { it } from 'node:test';
import { manifest } from '../testing/manifests.ts';
import { type Entry, entryOf } from '../store/resource-index.ts';
import { DescriptorFault } from './descriptor-files.ts';
import { readService } from './read-service.ts';

function entry(kind: string, name: string, spec: Record<string, unknown>): Entry {
  const set = { uid: 'u', resourceVersion: '1', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' };
  const written = manifest(kind, name, spec, { namespace: 'default' });
  return entryOf({ ...written, metadata: { ...written.metadata, ...set } }, '2026-01-01T00:00:00Z');
}

const set = entry('DescriptorSet', 'shop', { reflection: { service: 'shop' } });

for (const [address, port] of [
  ['169.254.169.254', 80],
  ['127.0.0.2', 7080],
] as const)
  it(`asks nobody at ${address}:${port}, however it came there`, async () => {
    const service = entry('Service', 'shop', { protocol: 'grpc', endpoints: [{ address, port }] });
    const reader = {
      resources: { get: () => service, referrersOf: () => [], entriesOf: () => [] },
      readSecret: () => undefined,
      ownAddresses: [{ host: '127.0.0.1', port: 7080 }],
    };
    await assert.rejects(
      readService(reader, set),
      (error) =>
        error instanceof DescriptorFault && /no endpoint may have|control plane itself/.test(error.message),
    );
  });
