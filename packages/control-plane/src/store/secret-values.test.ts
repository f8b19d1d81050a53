import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StoredResource } from '@causeway/model/resource';
import { certificateKind } from '@causeway/model/kinds/certificate';
import { secretKind } from '@causeway/model/kinds/secret';
import { referencesOf, storeSecretValues, withHiddenSecrets } from './secret-values.ts';

const digest = (value: string): string => `digest-${value.length}`;

const stored = (data: Record<string, { secretRef: string; digest: string }>): StoredResource => ({
  apiVersion: 'causeway/v1',
  kind: 'Secret',
  metadata: {
    name: 's',
    namespace: 'default',
    uid: 'u',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '',
  },
  spec: { data },
});

describe('storeSecretValues', () => {
  it('puts a reference and a digest in the place of every value', () => {
    const { spec, added, purged, problems } = storeSecretValues(
      secretKind,
      { data: { user: 'a', password: 'hunter2' } },
      undefined,
      digest,
    );
    assert.deepEqual(
      added.map(({ value }) => value),
      ['a', 'hunter2'],
    );
    assert.deepEqual(spec, {
      data: {
        user: { secretRef: added[0]!.ref, digest: 'digest-1' },
        password: { secretRef: added[1]!.ref, digest: 'digest-7' },
      },
    });
    assert.notEqual(added[0]!.ref, added[1]!.ref);
    assert.deepEqual([purged, problems], [[], []]);
    assert.doesNotMatch(JSON.stringify(spec), /hunter2/);
  });

  it('keeps what reads (hidden) or has not changed, and purges what is replaced or gone', () => {
    const before = stored({
      hidden: { secretRef: 'r1', digest: 'digest-9' },
      same: { secretRef: 'r2', digest: 'digest-3' },
      replaced: { secretRef: 'r3', digest: 'digest-3' },
      gone: { secretRef: 'r4', digest: 'digest-3' },
    });
    const written = { data: { hidden: '(hidden)', same: 'abc', replaced: 'other' } };
    const { spec, added, purged } = storeSecretValues(secretKind, written, before, digest);
    assert.deepEqual(purged, ['r3', 'r4']);
    assert.deepEqual(
      added.map(({ value }) => value),
      ['other'],
    );
    const data = spec['data'] as Record<string, { secretRef: string }>;
    assert.equal(data['hidden']?.secretRef, 'r1');
    assert.equal(data['same']?.secretRef, 'r2');
  });

  it('refuses (hidden) where nothing is stored, with a pointer to it', () => {
    const { problems } = storeSecretValues(secretKind, { data: { 'a/b': '(hidden)' } }, undefined, digest);
    assert.equal(problems[0]?.code, 'missing');
    assert.equal(problems[0]?.pointer, '/spec/data/a~1b');
  });
});

describe('withHiddenSecrets', () => {
  it('shows the keys of a Secret and none of the values or references', () => {
    const shown = withHiddenSecrets(stored({ password: { secretRef: 'r1', digest: 'digest-7' } }));
    assert.deepEqual(shown.spec, { data: { password: '(hidden)' } });
  });

  it('shows where the key of a Certificate stands, and hides one that stands in it', () => {
    const certificate = (key: unknown): StoredResource => ({
      ...stored({}),
      kind: 'Certificate',
      spec: { certificate: 'PEM', key },
    });
    const inSecret = certificate({ secret: 'tls', key: 'tls.key' });
    assert.equal(withHiddenSecrets(inSecret), inSecret);
    assert.equal(referencesOf(inSecret).size, 0);
    const own = certificate({ secretRef: 'r1', digest: 'digest-3' });
    assert.deepEqual(withHiddenSecrets(own).spec, { certificate: 'PEM', key: '(hidden)' });
    assert.deepEqual([...referencesOf(own).keys()], ['/spec/key']);
  });
});

describe('storeSecretValues of a Certificate', () => {
  it('purges the key that stood in it when it refers to a Secret from now on', () => {
    const before: StoredResource = {
      ...stored({}),
      kind: 'Certificate',
      spec: { certificate: 'PEM', key: { secretRef: 'r1', digest: 'digest-3' } },
    };
    const written = { certificate: 'PEM', key: { secret: 'tls', key: 'k' } };
    const { spec, purged, added } = storeSecretValues(certificateKind, written, before, digest);
    assert.deepEqual([spec, purged, added], [written, ['r1'], []]);
  });
});
