import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, describe, it, type TestContext } from 'node:test';
import { type Compiled, encodeItem } from '@causeway/proto/compiled';
import { SnapshotItems } from '@causeway/proto/snapshot-items';
import { systemClock } from '@causeway/runtime/clock';
import { createLogger } from '@causeway/runtime/logger';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';

import { until } from '../../../testing/http-client.ts';
import { certificateItem, gatewayItem } from '../../../testing/node-fixture.ts';
import { ocspAnswer } from '../../../testing/ocsp-answer.ts';
import { questionsMax, Stapler } from './stapler.ts';
import { fingerprintOf } from './staples.ts';

const hourMs = 3_600_000;
const ocspResponder = 'http://ocsp.test/';

function gatewayOf(stapled: readonly string[], others: readonly string[] = []): Compiled {
  const listener = (name: string, certificates: readonly string[], ocspStapling: boolean) => ({
    name,
    port: 443,
    tls: { certificates: certificates.map((each) => `default/${each}`), ocspStapling },
  });
  return gatewayItem({
    listeners: [listener('a', stapled, true), listener('b', others, false), { name: 'c' }],
  });
}

describe('the staples of a node', () => {
  let authority: TestAuthority;
  let one: IssuedCertificate;
  let two: IssuedCertificate;
  before(async () => {
    authority = await TestAuthority.create();
    one = await issue('one.test');
    two = await issue('two.test');
  });

  async function issue(name: string): Promise<IssuedCertificate> {
    const { certificate, key } = await authority.issue({ names: [name], ocspResponder });
    return { certificate: certificate + authority.certificate, key };
  }

  const print = ({ certificate }: IssuedCertificate): string =>
    fingerprintOf(new X509Certificate(certificate).raw);

  function start(context: TestContext) {
    const lines: string[] = [];
    /** Fingerprints as they were told, those that went with a minus. */
    const told: string[] = [];
    const world = { answers: true, asking: 0, questions: 0, goOn: Promise.resolve() };
    let items = SnapshotItems.empty;
    const stapler = new Stapler({
      clock: systemClock,
      logger: createLogger({ level: 'warn', write: (line) => lines.push(line) }),
      onChange: ({ fingerprint, staple }) => told.push(staple ? fingerprint : `-${fingerprint}`),
      async ask(_responder, question) {
        world.asking += 1;
        world.questions += 1;
        await world.goOn;
        world.asking -= 1;
        const nowMs = Date.now();
        const [thisUpdate, nextUpdate] = [new Date(nowMs - hourMs), new Date(nowMs + hourMs)];
        if (!world.answers) throw new Error('nobody answers');
        return ocspAnswer(question, { signer: authority, thisUpdate, nextUpdate });
      },
    });
    context.after(() => stapler.stop());
    const change = (changed: readonly Compiled[], removedKeys: readonly string[]): void => {
      items = items.with({ upserts: changed.map(encodeItem), removedKeys });
      stapler.follow({ revision: 1, items, changed, removedKeys, endpoints: new Map() });
    };
    const follow = (...changed: Compiled[]): void => change(changed, []);
    const remove = (...keys: string[]): void => change([], keys);
    return { stapler, lines, told, world, follow, remove };
  }

  it('are those of Certificates of listeners that want them, and follow the configuration', async (context) => {
    const { stapler, told, world, follow, remove } = start(context);
    follow(gatewayOf(['www'], ['api']), certificateItem('www', one), certificateItem('api', two));
    await until('the first one', () => told.length === 1);
    assert.deepEqual(told, [print(one)]);
    follow(gatewayOf(['api'], ['www']));
    await until('the other one', () => told.length === 3);
    assert.deepEqual(told.slice(1), [`-${print(one)}`, print(two)]);
    const staples = stapler.staples.map(({ fingerprint }) => fingerprint);
    assert.deepEqual(staples, [print(two)]);
    follow(certificateItem('api', one));
    await until('that of the new certificate', () => told.length === 5);
    assert.deepEqual(told.slice(3), [`-${print(two)}`, print(one)]);
    follow(certificateItem('www', two), certificateItem('unused', two));
    follow(gatewayOf(['api']));
    remove('certificate/default/unused');
    assert.deepEqual([world.questions, told.length], [3, 5]);
    follow(gatewayOf([]));
    assert.deepEqual(told.slice(5), [`-${print(one)}`]);
    assert.deepEqual([stapler.staples, stapler.expiry], [[], []]);
  });

  it('are asked for once for one certificate under two names', async (context) => {
    const { stapler, told, world, follow } = start(context);
    follow(gatewayOf(['a', 'b']), certificateItem('a', one), certificateItem('b', one));
    await until('it', () => told.length === 1);
    follow(gatewayOf(['b']));
    assert.deepEqual([world.questions, told.length, stapler.expiry.length], [1, 1, 1]);
  });

  it('have an expiry by Certificate, 0 where there is none', async (context) => {
    const { stapler, told, world, follow } = start(context);
    follow(
      gatewayOf(['www', 'plain']),
      certificateItem('www', one),
      certificateItem('plain', await authority.issue({ names: ['x'] })),
    );
    await until('one', () => told.length === 1);
    const [www, plain] = stapler.expiry;
    assert.ok(www!.certificate === 'default/www' && www!.seconds > 3500 && www!.seconds <= 3600);
    assert.deepEqual(plain, { certificate: 'default/plain', seconds: 0 });
    world.answers = false;
    follow(certificateItem('www', two));
    assert.equal(stapler.expiry.find(({ certificate }) => certificate === 'default/www')!.seconds, 0);
  });

  it('are warned of once where there can be none', async (context) => {
    const { lines, follow, world } = start(context);
    const plain = certificateItem('plain', await authority.issue({ names: ['x'] }));
    const alone = certificateItem('alone', await authority.issue({ names: ['x'], ocspResponder }));
    follow(gatewayOf(['plain', 'alone']), plain, alone);
    follow(gatewayOf(['plain', 'alone']), certificateItem('other', two));
    assert.deepEqual([lines.length, world.questions], [2, 0]);
    assert.match(lines[0]!, /no OCSP staple for certificate default\/plain: it names no OCSP responder/);
    assert.match(lines[1]!, /default\/alone: its chain does not hold the certificate of its issuer/);
  });

  it('are asked for by so many questions at a time', async (context) => {
    const { told, follow, world } = start(context);
    const names = Array.from({ length: questionsMax + 3 }, (_, index) => `c${index}`);
    const items = await Promise.all(
      names.map(async (name) => certificateItem(name, await issue(`${name}.test`))),
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    world.goOn = promise;
    follow(gatewayOf(names), ...items);
    await until('the first ones', () => world.asking === questionsMax);
    resolve();
    await until('all', () => told.length === names.length);
  });
});
