import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FilterChain } from './filter-chain.ts';
import { FakeOwner } from './testing/fake-owner.ts';
import { createVersionFilter } from './version.ts';

const deprecatedAtMs = Date.UTC(2026, 0, 1);
const sunsetAtMs = Date.UTC(2027, 0, 1);

function ask(wallMs: number, isGoing = true): FakeOwner {
  const filter = createVersionFilter(
    'version',
    {
      current: 'v1',
      deprecatedAtMs: isGoing ? deprecatedAtMs : undefined,
      sunsetAtMs: isGoing ? sunsetAtMs : undefined,
      link: isGoing ? 'https://example.com/v2' : undefined,
    },
    () => wallMs,
  );
  const owner = new FakeOwner(new FilterChain([filter]));
  owner.chain.requestHead(owner);
  if (owner.log[0] !== 'request') return owner;
  owner.responseFields = ['Sunset', 'never', 'link', '</>; rel="up"'];
  owner.chain.responseHead(owner);
  return owner;
}

const told = [
  'api-version',
  'v1',
  'deprecation',
  '@1767225600',
  'sunset',
  'Fri, 01 Jan 2027 00:00:00 GMT',
  'link',
  '<https://example.com/v2>; rel="deprecation sunset"',
];

describe('version', () => {
  it('tells which one it is, and no more while it stays', () => {
    assert.deepEqual(ask(0, false).responseFields, ['link', '</>; rel="up"', 'api-version', 'v1']);
  });

  it('tells when it goes, in place of what the upstream says', () => {
    assert.deepEqual(ask(sunsetAtMs - 1).responseFields, ['link', '</>; rel="up"', ...told]);
  });

  it('refuses once it is gone', () => {
    const owner = ask(sunsetAtMs);
    assert.deepEqual(
      [owner.responseStatus, owner.refusals, owner.responseFields],
      [410, ['version gone'], told],
    );
  });
});
