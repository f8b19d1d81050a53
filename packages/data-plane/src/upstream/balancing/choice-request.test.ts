import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { fakeRequest, sentBack } from '../../testing/choice-requests.ts';
import type { AffinityCookie } from './balancing-settings.ts';

const cookie: AffinityCookie = { name: 'sid', ttlSeconds: 0, path: '/', sameSite: 'Lax', domain: undefined };
const signFor = (tag: string, letter: string): string => tag + letter.repeat(22);

describe('cookies of affinity', () => {
  it('have the attributes that were asked for', () => {
    const { request } = fakeRequest();
    request.setSign(cookie, 'aaaa', signFor('aaaa', 'x'));
    const value = `sid=aaaa${'x'.repeat(22)}`;
    assert.deepEqual(request.setCookies(false), [`${value}; Path=/; HttpOnly; SameSite=Lax`]);
    assert.deepEqual(request.setCookies(true), [`${value}; Path=/; HttpOnly; SameSite=Lax; Secure`]);
    const full = fakeRequest().request;
    const whole: AffinityCookie = {
      ...cookie,
      ttlSeconds: 3600,
      path: '/a',
      sameSite: 'None',
      domain: 'a.test',
    };
    full.setSign(whole, 'aaaa', signFor('aaaa', 'x'));
    assert.deepEqual(full.setCookies(true), [
      `${value}; Path=/a; Max-Age=3600; Domain=a.test; HttpOnly; SameSite=None; Secure`,
    ]);
  });

  it('are set only when the client does not have them', () => {
    const { request } = fakeRequest({ cookie: `a=b; sid=${signFor('aaaa', 'x')}` });
    assert.equal(request.signIn(cookie, 'aaaa'), signFor('aaaa', 'x'));
    request.setSign(cookie, 'aaaa', signFor('aaaa', 'x'));
    assert.deepEqual(request.setCookies(false), []);
    request.setSign(cookie, 'aaaa', signFor('aaaa', 'y'));
    assert.equal(request.setCookies(false).length, 1);
    assert.deepEqual(fakeRequest().request.setCookies(false), []);
  });

  it('of one name hold what several Routes and Services say, and keep what is foreign within bounds', () => {
    const first = fakeRequest().request;
    first.setSign(cookie, 'aaaa', signFor('aaaa', 'x'));
    const second = fakeRequest(sentBack(first.setCookies(false))).request;
    second.setSign(cookie, 'bbbb', signFor('bbbb', 'y'));
    const back = sentBack(second.setCookies(false));
    const third = fakeRequest(back).request;
    assert.equal(third.signIn(cookie, 'aaaa'), signFor('aaaa', 'x'));
    assert.equal(third.signIn(cookie, 'bbbb'), signFor('bbbb', 'y'));
    let headers = {};
    for (let count = 0; count < 30; count += 1) {
      const { request } = fakeRequest(headers);
      request.setSign(cookie, `t-${10 + count}`, signFor(`t-${10 + count}`, 'x'));
      headers = sentBack(request.setCookies(false));
    }
    assert.equal(Object.values<string>(headers)[0]!.split('.').length, 8);
  });

  it('mean nothing where they are not ours, and none of it comes back', () => {
    const { request } = fakeRequest({ cookie: 'sid=admin.<script>.aaaa' });
    assert.equal(request.signIn(cookie, 'aaaa'), undefined);
    request.setSign(cookie, 'aaaa', signFor('aaaa', 'x'));
    assert.match(request.setCookies(false)[0]!, /^sid=aaaax{22};/);
  });

  it('say the worse of what Route and Service have found', () => {
    const { request, record } = fakeRequest();
    request.note('kept');
    assert.equal(record.affinity, 'kept');
    request.note('moved');
    request.note('new');
    assert.equal(record.affinity, 'moved');
  });
});
