import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { before, describe, it } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';
import { createLogger } from '@causeway/runtime/logger';
import { Turns } from '@causeway/runtime/turns';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';

import { type AnswerOptions, ocspAnswer } from '../../../testing/ocsp-answer.ts';
import { readStapledCertificate, type StapledCertificate } from './stapled-certificate.ts';
import { refreshMsMax, refreshMsMin, reportIntervalMs, retryMsMax, StapleRefresh } from './staple-refresh.ts';
import type { Staple } from './staples.ts';

const hourMs = 3_600_000;

type Answer = Partial<AnswerOptions> & { readonly validMs?: number };

describe('the staple of a certificate', () => {
  let authority: TestAuthority;
  let certificate: StapledCertificate;
  before(async () => {
    authority = await TestAuthority.create();
    const year = { notBefore: new Date('2026-01-01'), notAfter: new Date('2046-01-01') };
    const ocspResponder = 'http://ocsp.test/';
    const leaf = await authority.issue({ names: ['www.test'], ocspResponder, ...year });
    certificate = readStapledCertificate(leaf.certificate + authority.certificate) as StapledCertificate;
  });

  /** Asked for at the time of the authority's certificate; `answer` undefined: nobody answers. */
  function start() {
    const clock = new ManualClock(Math.floor(Date.now() / 1000) * 1000);
    const lines: string[] = [];
    const changes: (Staple | undefined)[] = [];
    const world = { answer: {} as Answer | undefined, questions: 0 };
    const refresh = new StapleRefresh(certificate, ['default/www'], {
      clock,
      logger: createLogger({ level: 'warn', write: (line) => lines.push(line) }),
      turns: new Turns(1),
      random: () => 0,
      onChange: (staple) => changes.push(staple),
      async ask(_responder, question) {
        world.questions += 1;
        if (world.answer === undefined) throw new Error('nobody answers');
        const { validMs = 8 * hourMs, ...more } = world.answer;
        const thisUpdate = new Date(clock.wallMs());
        const nextUpdate = new Date(clock.wallMs() + validMs);
        return ocspAnswer(question, { signer: authority, thisUpdate, nextUpdate, ...more });
      },
    });
    /** Lets time pass, and then what that has set off. */
    const pass = async (ms: number): Promise<void> => {
      clock.advance(ms);
      for (let turns = 0; turns < 10; turns += 1) await turn();
    };
    return { clock, lines, changes, world, refresh, pass };
  }

  it('is asked for at once, and again when half of its time is over', async () => {
    const { clock, changes, world, refresh, pass } = start();
    refresh.start();
    await pass(0);
    assert.deepEqual([world.questions, refresh.staple?.untilMs], [1, clock.wallMs() + 8 * hourMs]);
    await pass(4 * hourMs - 1);
    assert.equal(world.questions, 1);
    await pass(1);
    assert.deepEqual([world.questions, changes.length], [2, 2]);
    assert.equal(changes[1]!.untilMs, clock.wallMs() + 8 * hourMs);
    refresh.stop();
    await pass(8 * hourMs);
    assert.deepEqual([world.questions, clock.pendingTimers], [2, 0]);
  });

  it('is asked for half-way through what is left, where the answer is old', async () => {
    const { clock, world, refresh, pass } = start();
    world.answer = { thisUpdate: new Date(clock.wallMs() - 12 * hourMs) };
    refresh.start();
    await pass(0);
    await pass(4 * hourMs - 1);
    assert.equal(world.questions, 1);
    await pass(1);
    assert.equal(world.questions, 2);
  });

  it('is asked for neither in haste nor never', async () => {
    const { world, refresh, pass } = start();
    world.answer = { validMs: 2000 };
    refresh.start();
    await pass(0);
    await pass(refreshMsMin - 1);
    assert.equal(world.questions, 1);
    world.answer = { validMs: 10 * 365 * 24 * hourMs };
    await pass(1);
    assert.equal(world.questions, 2);
    await pass(refreshMsMax - 1);
    assert.equal(world.questions, 2);
    await pass(1);
    assert.equal(world.questions, 3);
  });

  it('stays when no new one comes; that is tried again, and told once a minute', async () => {
    const { lines, changes, world, refresh, pass } = start();
    refresh.start();
    await pass(0);
    world.answer = undefined;
    await pass(4 * hourMs);
    assert.deepEqual([world.questions, changes.length, lines.length], [2, 1, 1]);
    assert.match(lines[0]!, /no new OCSP staple for certificate default\/www: nobody answers/);
    assert.match(lines[0]!, /"responder":"http:\/\/ocsp\.test\/","failures":1/);
    // Without luck the pause is the shortest one.
    for (let seconds = 0; seconds < reportIntervalMs / 1000 - 1; seconds += 1) await pass(1000);
    assert.equal(lines.length, 1);
    const tried = world.questions;
    assert.ok(tried > 2);
    await pass(1000);
    assert.equal(lines.length, 2);
    assert.match(lines[1]!, new RegExp(`"failures":${world.questions - 2}`));
    world.answer = {};
    await pass(retryMsMax);
    assert.equal(changes.length, 2);
  });

  it('stays when an answer is bad, and goes when the authority says that the certificate is revoked', async () => {
    const { lines, changes, world, refresh, pass } = start();
    refresh.start();
    await pass(0);
    world.answer = { state: 'unknown' };
    await pass(4 * hourMs);
    assert.equal(changes.length, 1);
    world.answer = { state: 'revoked' };
    await pass(retryMsMax);
    assert.deepEqual([changes.length, changes[1], refresh.staple], [2, undefined, undefined]);
    await pass(retryMsMax);
    assert.equal(changes.length, 2);
    assert.match(lines.at(-1)!, /was revoked at/);
    world.answer = {};
    await pass(retryMsMax);
    assert.equal(changes.length, 3);
  });

  it('is of no interest when it comes too late', async () => {
    const { changes, lines, refresh, pass, clock } = start();
    refresh.start();
    refresh.stop();
    await pass(0);
    assert.deepEqual([changes, lines, clock.pendingTimers], [[], [], 0]);
  });
});
