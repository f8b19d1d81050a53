import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AuthorizeRule, createAuthorizeFilter } from './authorize.ts';
import { FilterChain } from './filter-chain.ts';
import type { Identity } from './identity.ts';
import { createIpRestrictionFilter } from './ip-restriction.ts';
import { FakeOwner } from './testing/fake-owner.ts';

const nothing: AuthorizeRule = {
  allow: true,
  consumers: [],
  groups: [],
  scopes: [],
  claims: [],
  methods: [],
  paths: [],
  addresses: [],
};

const acme: Identity = {
  consumer: 'acme',
  namespace: 'shop',
  isConsumer: true,
  groups: ['gold'],
  scopes: ['read', 'write'],
  claims: { role: ['admin', 2], realm: { open: true } },
};

function passes(rules: Partial<AuthorizeRule>[], change: Partial<FakeOwner> = {}): boolean {
  const filter = createAuthorizeFilter('rules', {
    namespace: 'shop',
    rules: rules.map((rule) => ({ ...nothing, ...rule })),
  });
  const owner = Object.assign(new FakeOwner(new FilterChain([filter])), change);
  owner.chain.requestHead(owner);
  if (owner.log[0] === 'request') return true;
  assert.deepEqual(owner.refusals, ['rules forbidden']);
  return false;
}

const as = (rule: Partial<AuthorizeRule>, identity: Identity | undefined = acme) =>
  passes([rule], { identity });

describe('authorize', () => {
  it('takes the first rule that holds, and refuses where none does', () => {
    assert.ok(passes([{}]));
    assert.ok(!passes([{ methods: ['PUT'] }]));
    assert.ok(!passes([{ allow: false, methods: ['GET'] }, {}]));
    assert.ok(passes([{ methods: ['GET'] }, { allow: false }]));
    assert.ok(passes([{ allow: false, methods: ['PUT'] }, {}]));
  });

  it('wants all that is given', () => {
    assert.ok(as({ groups: ['gold'], scopes: ['read'], methods: ['GET'] }));
    assert.ok(!as({ groups: ['gold'], scopes: ['read'], methods: ['PUT'] }));
  });

  it('knows callers by name in its own namespace alone', () => {
    assert.ok(as({ consumers: ['bob', 'acme'] }));
    assert.ok(!as({ consumers: ['bob'] }));
    assert.ok(!as({ consumers: ['acme'] }, { ...acme, namespace: 'default' }));
    // The bearer of a token is nobody's namesake, and no Consumer is called like a bearer.
    assert.ok(as({ consumers: ['corp/joe'] }, { ...acme, consumer: 'corp/joe', isConsumer: false }));
    assert.ok(!as({ consumers: ['acme'] }, { ...acme, isConsumer: false }));
    assert.ok(!as({ consumers: ['corp/joe'] }, { ...acme, consumer: 'corp/joe' }));
    assert.ok(!as({ consumers: ['acme'] }, { ...acme, consumer: undefined }));
  });

  it('takes one of the groups, all of the scopes, and one value of each claim', () => {
    assert.ok(as({ groups: ['silver', 'gold'] }));
    assert.ok(!as({ groups: ['silver'] }));
    assert.ok(as({ scopes: ['write', 'read'] }));
    assert.ok(!as({ scopes: ['read', 'admin'] }));
    assert.ok(as({ claims: [{ name: 'role', values: ['x', 'admin'] }] }));
    assert.ok(
      as({
        claims: [
          { name: 'role', values: ['2'] },
          { name: 'realm.open', values: ['true'] },
        ],
      }),
    );
    assert.ok(
      !as({
        claims: [
          { name: 'role', values: ['admin'] },
          { name: 'missing', values: [''] },
        ],
      }),
    );
    assert.ok(!as({ claims: [{ name: 'realm', values: ['[object Object]'] }] }));
  });

  it('holds nothing about callers whom nobody knows', () => {
    const asked = [{ consumers: ['a'] }, { groups: ['a'] }, { scopes: ['a'] }];
    for (const rule of [...asked, { claims: [{ name: 'a', values: ['undefined'] }] }])
      assert.ok(!passes([rule]));
  });

  it('compares canonical paths, whole segments of them', () => {
    const at = (paths: string[], path: string) => passes([{ paths }], { path });
    for (const path of ['/public', '/public/', '/public/a/b']) assert.ok(at(['/public/*'], path), path);
    for (const path of ['/', '/publicity', '/PUBLIC', '/public%2Fa', '/a/public', '/public;x'])
      assert.ok(!at(['/public/*'], path), path);
    assert.ok(at(['/a'], '/a') && !at(['/a'], '/a/') && !at(['/a'], '/a/b'));
    assert.ok(at(['/*'], '/') && at(['/*'], '/x/y'));
  });

  it('compares addresses, IPv4 ones mapped into IPv6 too', () => {
    const from = (addresses: string[], clientAddress: string) => passes([{ addresses }], { clientAddress });
    assert.ok(from(['10.0.0.0/8', '2001:db8::/32'], '10.1.2.3'));
    assert.ok(from(['10.0.0.0/8', '2001:db8::/32'], '::ffff:10.1.2.3'));
    assert.ok(from(['10.0.0.0/8', '2001:db8::/32'], '2001:db8:1::1'));
    assert.ok(!from(['10.0.0.0/8', '2001:db8::/32'], '11.0.0.1'));
    assert.ok(!from(['10.0.0.0/8'], 'unknown'));
  });

  it('demands something else as soon as its rules are others', () => {
    const demandsOf = (rule: Partial<AuthorizeRule>) =>
      createAuthorizeFilter('a', { namespace: 'n', rules: [{ ...nothing, ...rule }] }).demands;
    assert.equal(demandsOf({}), demandsOf({}));
    assert.notEqual(demandsOf({}), demandsOf({ groups: ['a'] }));
  });
});

describe('ipRestriction', () => {
  const comesIn = (allow: string[], deny: string[], clientAddress: string): boolean => {
    const filter = createIpRestrictionFilter('ip', { allow, deny });
    const owner = Object.assign(new FakeOwner(new FilterChain([filter])), { clientAddress });
    owner.chain.requestHead(owner);
    return owner.log[0] === 'request';
  };

  it('keeps out what is denied, whatever is allowed', () => {
    assert.ok(!comesIn(['10.0.0.0/8'], ['10.1.0.0/16'], '10.1.2.3'));
    assert.ok(comesIn(['10.0.0.0/8'], ['10.1.0.0/16'], '10.2.2.3'));
    assert.ok(comesIn([], ['10.1.0.0/16'], '203.0.113.1'));
    assert.ok(!comesIn([], ['2001:db8::/32'], '2001:db8::1'));
  });

  it('keeps out what is not allowed, once anything is', () => {
    assert.ok(!comesIn(['10.0.0.0/8'], [], '11.0.0.1'));
    assert.ok(!comesIn(['10.0.0.0/8'], [], '2001:db8::1'));
    assert.ok(!comesIn(['10.0.0.0/8'], [], ''));
    assert.ok(comesIn(['10.0.0.0/8'], [], '::ffff:10.0.0.1'));
    assert.ok(!comesIn([], ['::ffff:10.0.0.0/104'], '10.0.0.1'));
  });
});
