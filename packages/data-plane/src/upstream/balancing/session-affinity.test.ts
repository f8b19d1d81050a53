import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ChoiceFixture } from '../../testing/choice-fixture.ts';
import { fakeRequest, sentBack } from '../../testing/choice-requests.ts';
import { newAffinityKeys } from './affinity-keys.ts';
import type { AffinitySettings, BalancingSettings } from './balancing-settings.ts';

const plain = ['e-1', 'e-2', 'e-3', 'e-4'].map((id) => ({ id }));
const byCookie: AffinitySettings = {
  cookie: { name: 'sid', ttlSeconds: 0, path: '/', sameSite: 'Lax', domain: undefined },
};
const byRoom: AffinitySettings = { by: { kind: 'query', name: 'room' } };

/** One client's cookies over its requests. */
class Browser {
  headers: Record<string, string> = {};
  affinity: string | undefined;
  cookiesSet = 0;

  ask(fixture: ChoiceFixture, tried: readonly string[] = []): string | undefined {
    const { request, record } = fakeRequest(this.headers);
    const id = fixture.pick(request, tried);
    this.affinity = record.affinity;
    const set = request.setCookies(false);
    this.cookiesSet += set.length;
    if (set.length > 0) this.headers = sentBack(set);
    return id;
  }
}

const cookieFixture = (more: Partial<BalancingSettings> = {}) =>
  new ChoiceFixture({ affinity: byCookie, ...more }, plain);

describe('affinity by cookie', () => {
  it('keeps a session where it began, and sets the cookie once', () => {
    const fixture = cookieFixture();
    const browser = new Browser();
    const first = browser.ask(fixture);
    assert.equal(browser.affinity, 'new');
    for (let count = 0; count < 20; count += 1) {
      assert.equal(browser.ask(fixture), first);
      assert.equal(browser.affinity, 'kept');
    }
    assert.equal(browser.cookiesSet, 1);
  });

  it('spreads new sessions as the policy says', () => {
    const counts = cookieFixture().count(100, () => fakeRequest().request);
    assert.deepEqual(Object.values(counts), [25, 25, 25, 25]);
  });

  it('falls over when the endpoint is ill, says so, and stays there', () => {
    const fixture = cookieFixture();
    const browser = new Browser();
    const first = browser.ask(fixture)!;
    fixture.setHealth(first, false);
    const second = browser.ask(fixture)!;
    assert.notEqual(second, first);
    assert.deepEqual([browser.affinity, browser.cookiesSet], ['moved', 2]);
    fixture.setHealth(first, true);
    assert.equal(browser.ask(fixture), second);
    assert.equal(browser.affinity, 'kept');
  });

  it('falls over when the endpoint is gone, or or gets no new traffic', () => {
    for (const change of ['gone', 'weightless'] as const) {
      const fixture = cookieFixture();
      const browser = new Browser();
      const first = browser.ask(fixture)!;
      if (change === 'gone') fixture.set(plain.filter(({ id }) => id !== first));
      if (change === 'weightless') fixture.set(plain.map(({ id }) => ({ id, weight: id === first ? 0 : 1 })));
      const second = browser.ask(fixture);
      assert.notEqual(second, first, change);
      assert.equal(browser.affinity, 'moved', change);
      assert.equal(browser.ask(fixture), second, change);
    }
  });

  it('stays where it is when a request is tried again elsewhere, unless the endpoint is ill', () => {
    const fixture = cookieFixture();
    const browser = new Browser();
    const first = browser.ask(fixture)!;
    const { request, record } = fakeRequest(browser.headers);
    assert.equal(fixture.pick(request), first);
    assert.notEqual(fixture.pick(request, [first]), first);
    assert.deepEqual([record.affinity, request.setCookies(false)], ['kept', []]);
    assert.equal(browser.ask(fixture), first);
    fixture.setHealth(first, false);
    const second = browser.ask(fixture, [first]);
    assert.deepEqual([browser.affinity, browser.cookiesSet], ['moved', 2]);
    assert.equal(browser.ask(fixture), second);
  });

  it('begins where a new one was answered in the end', () => {
    const fixture = cookieFixture();
    const { request, record } = fakeRequest();
    const first = fixture.pick(request)!;
    const second = fixture.pick(request, [first]);
    assert.equal(record.affinity, 'new');
    const browser = new Browser();
    browser.headers = sentBack(request.setCookies(false));
    assert.equal(browser.ask(fixture), second);
  });

  it('knows its cookies on another node with the same keys, and after a change of keys', () => {
    const [here, there] = [cookieFixture(), cookieFixture()];
    const pair = newAffinityKeys();
    for (const { keys } of [here, there]) keys.replace(pair);
    const browser = new Browser();
    const first = browser.ask(here);
    assert.equal(browser.ask(there), first);
    there.keys.replace({ current: newAffinityKeys().current, previous: pair.current });
    assert.equal(browser.ask(there), first);
    assert.deepEqual([browser.affinity, browser.cookiesSet], ['kept', 2], 'signed anew');
    assert.equal(browser.ask(there), first);
    assert.equal(browser.cookiesSet, 2);
  });

  it('takes a forged cookie for one that is worth nothing', () => {
    const fixture = cookieFixture();
    const browser = new Browser();
    browser.ask(fixture);
    browser.headers = { cookie: browser.headers['cookie']!.replace(/.{6}$/, 'forged') };
    browser.ask(fixture);
    assert.equal(browser.affinity, 'moved');
  });

  it('stays in another zone, and follows the groups of first', () => {
    const zoned = plain.map(({ id }, index) => ({ id, zone: index === 0 ? 'here' : 'there' }));
    const far = new ChoiceFixture({ affinity: byCookie }, zoned);
    const near = new ChoiceFixture({ affinity: byCookie, prefersZone: true }, zoned, 'here');
    near.keys.replace(far.keys);
    const browser = new Browser();
    const first = browser.ask(far);
    assert.notEqual(first, 'e-1');
    assert.equal(browser.ask(near), first);
    const groups = plain.map(({ id }, priority) => ({ id, priority }));
    const failing = new ChoiceFixture({ affinity: byCookie, policy: 'first' }, groups);
    const other = new Browser();
    failing.setHealth('e-1', false);
    assert.equal(other.ask(failing), 'e-2');
    failing.setHealth('e-1', true);
    assert.equal(other.ask(failing), 'e-1');
  });
});

describe('affinity by a value', () => {
  const room = (name: string | undefined) =>
    fakeRequest({}, name === undefined ? '/chat' : `/chat?room=${name}`);

  it('keeps a value where it is under any policy, and sets nothing', () => {
    const fixture = new ChoiceFixture({ affinity: byRoom, policy: 'leastRequest' }, plain);
    const first = fixture.pick(room('red').request);
    for (let count = 0; count < 20; count += 1) {
      const { request, record } = room('red');
      assert.equal(fixture.pick(request), first);
      assert.equal(record.affinity, 'kept');
      assert.deepEqual(request.setCookies(true), []);
    }
    const { request, record } = room(undefined);
    fixture.pick(request);
    assert.equal(record.affinity, undefined);
  });

  it('moves at most 30 % of the values when one of four goes', () => {
    const fixture = new ChoiceFixture({ affinity: byRoom }, plain);
    const rooms = Array.from({ length: 20_000 }, (_, count) => `r${count}`);
    const before = rooms.map((name) => fixture.pick(room(name).request));
    fixture.set(plain.slice(1));
    const moved = rooms.filter((name, index) => fixture.pick(room(name).request) !== before[index]);
    assert.ok(moved.length < 0.3 * rooms.length, String(moved.length));
  });

  it('says nothing of a move when a request is tried again elsewhere', () => {
    const fixture = new ChoiceFixture({ affinity: byRoom }, plain);
    const { request, record } = room('red');
    const first = fixture.pick(request)!;
    assert.notEqual(fixture.pick(request, [first]), first);
    assert.equal(record.affinity, 'kept');
  });

  it('falls over and says so while the owner is ill', () => {
    const fixture = new ChoiceFixture({ affinity: byRoom }, plain);
    const first = fixture.pick(room('red').request)!;
    fixture.setHealth(first, false);
    const { request, record } = room('red');
    const second = fixture.pick(request);
    assert.notEqual(second, first);
    assert.equal(record.affinity, 'moved');
    assert.equal(fixture.pick(room('red').request), second);
    fixture.setHealth(first, true);
    assert.equal(fixture.pick(room('red').request), first);
  });
});
