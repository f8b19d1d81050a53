import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { validateDocument } from '../validate-document.ts';

function problems(spec: object): string[] {
  const found = validateDocument({
    apiVersion: 'causeway/v1',
    kind: 'Middleware',
    metadata: { name: 'a' },
    spec: { filters: [{ transcode: { descriptors: 'books', ...spec } }] },
  }).problems;
  return (found ?? []).map(
    ({ pointer, code }) => `${pointer.replace('/spec/filters/0/transcode', '')} ${code}`,
  );
}

describe('transcode', () => {
  it('needs no more than a DescriptorSet', () => {
    assert.deepEqual(problems({}), []);
    assert.deepEqual(problems({ descriptors: undefined }), ['/descriptors missing']);
  });

  it('takes headers that say nothing of the protocol', () => {
    assert.deepEqual(problems({ headers: ['X-Tenant', 'x-trace-bin'], responseHeaders: ['x-next'] }), []);
    for (const name of ['grpc-timeout', 'Content-Type', 'te', 'host', 'accept-encoding'])
      assert.deepEqual(problems({ headers: [name], responseHeaders: [name] }), [
        '/headers/0 not_allowed_here',
        '/responseHeaders/0 not_allowed_here',
      ]);
  });

  it('takes services by their full names, and messages up to 16MiB', () => {
    assert.deepEqual(problems({ services: ['bookstore.v1.Bookstore'], maxMessageSize: '16MiB' }), []);
    assert.deepEqual(problems({ services: ['a/b'], maxMessageSize: '17MiB', unmatched: 'drop' }), [
      '/maxMessageSize out_of_range',
      '/services/0 bad_format',
      '/unmatched bad_format',
    ]);
  });
});
