import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { OCSPResponseStatus } from '@peculiar/asn1-ocsp';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';

import { type AnswerOptions, ocspAnswer, ocspFailure } from '../../../testing/ocsp-answer.ts';
import { ocspRequest } from './certificate-id.ts';
import { checkResponse, clockSkewMsMax, responderCertificatesMax } from './check-response.ts';
import { readStapledCertificate, type StapledCertificate } from './stapled-certificate.ts';

const hourMs = 3_600_000;
/** Whole seconds, as DER has them. */
const nowMs = Math.floor(Date.now() / 1000) * 1000;
const at = (offsetMs: number): Date => new Date(nowMs + offsetMs);
const ocspResponder = 'http://ocsp.test/';

function stapled(leaf: IssuedCertificate, authority: TestAuthority): StapledCertificate {
  const read = readStapledCertificate(leaf.certificate + authority.certificate);
  assert.ok(typeof read !== 'string', 'somebody can be asked');
  return read;
}

describe('an answer of OCSP', () => {
  let authority: TestAuthority;
  let www: StapledCertificate;
  let other: StapledCertificate;
  let delegate: IssuedCertificate;
  before(async () => {
    authority = await TestAuthority.create('Ünïcode & "CA"');
    www = stapled(await authority.issue({ names: ['www.test'], ocspResponder }), authority);
    other = stapled(await authority.issue({ names: ['other.test'], ocspResponder }), authority);
    delegate = await authority.issue({ names: ['responder'], signsOcsp: true });
  });

  function answer(more: Partial<AnswerOptions> = {}, about = www): Buffer {
    const { thisUpdate = at(-hourMs), nextUpdate = at(hourMs) } = more;
    return ocspAnswer(ocspRequest(about), { signer: authority, ...more, thisUpdate, nextUpdate });
  }

  /** What is wrong with it; fails when nothing is. */
  function complaint(bytes: Uint8Array, atMs = nowMs): string {
    const verdict = checkResponse(bytes, www, atMs);
    assert.ok(!verdict.ok && !verdict.isRevoked, JSON.stringify(verdict));
    return verdict.detail;
  }

  it('is good when the issuer has signed it, or somebody whom the issuer lets', () => {
    const good = { ok: true, sinceMs: nowMs - hourMs, untilMs: nowMs + hourMs };
    assert.deepEqual(checkResponse(answer(), www, nowMs), good);
    assert.deepEqual(checkResponse(answer({ certificates: [] }), www, nowMs), good);
    assert.deepEqual(checkResponse(answer({ signer: delegate }), www, nowMs), good);
  });

  it('is no longer good than the certificate of who has signed it', async () => {
    const notAfter = at(hourMs / 2);
    const signer = await authority.issue({ names: ['responder'], signsOcsp: true, notAfter });
    const verdict = checkResponse(answer({ signer }), www, nowMs);
    assert.deepEqual(verdict, { ok: true, sinceMs: nowMs - hourMs, untilMs: nowMs + hourMs / 2 });
    assert.match(complaint(answer({ signer }), nowMs + hourMs / 2), /signed by nobody who may/);
  });

  it('is told apart where the authority says that it has revoked the certificate', () => {
    const verdict = checkResponse(answer({ state: 'revoked' }), www, nowMs);
    assert.ok(!verdict.ok && verdict.isRevoked);
    assert.match(verdict.detail, /was revoked at 20/);
    assert.match(complaint(answer({ state: 'revoked', nextUpdate: at(0) })), /was valid until/);
  });

  it('is refused when the authority does not know the certificate', () => {
    assert.match(complaint(answer({ state: 'unknown' })), /does not know/);
  });

  it('is refused before and after its time', () => {
    assert.match(complaint(answer(), nowMs + hourMs), /was valid until/);
    assert.equal(checkResponse(answer(), www, nowMs + hourMs - 1).ok, true);
    const ahead = answer({ thisUpdate: at(clockSkewMsMax) });
    assert.equal(checkResponse(ahead, www, nowMs).ok, true);
    assert.match(complaint(ahead, nowMs - 1), /not valid before/);
    assert.match(complaint(answer({ nextUpdate: at(-hourMs) })), /ends before it begins/);
    const endless = { signer: authority, thisUpdate: at(-hourMs), nextUpdate: undefined };
    assert.match(complaint(ocspAnswer(ocspRequest(www), endless)), /until when/);
  });

  it('is refused when it is about another certificate', async () => {
    assert.match(complaint(answer({}, other)), /another certificate/);
    const stranger = await TestAuthority.create('Stranger');
    const theirs = stapled(await stranger.issue({ names: ['www.test'], ocspResponder }), stranger);
    assert.match(complaint(answer({ signer: stranger }, theirs)), /another certificate/);
  });

  it('is refused when it is signed by somebody else', async () => {
    const stranger = await TestAuthority.create('Ünïcode & "CA"');
    const refused = /signed by nobody who may/;
    assert.match(complaint(answer({ signer: stranger })), refused);
    assert.match(complaint(answer({ signer: stranger, certificates: [delegate.certificate] })), refused);
    const theirs = await stranger.issue({ names: ['responder'], signsOcsp: true });
    assert.match(complaint(answer({ signer: theirs })), refused);
    const plain = await authority.issue({ names: ['responder'] });
    assert.match(complaint(answer({ signer: plain })), refused);
    const notBefore = at(hourMs);
    const early = await authority.issue({ names: ['responder'], signsOcsp: true, notBefore });
    assert.match(complaint(answer({ signer: early })), refused);
    assert.match(complaint(answer({ algorithm: '1.2.840.113549.1.1.5' })), /1\.2\.840\.113549\.1\.1\.5/);
  });

  it('may come with so many certificates and no more', async () => {
    const plain = (await authority.issue({ names: ['plain'] })).certificate;
    const behind = (others: number): Buffer =>
      answer({ signer: delegate, certificates: [...Array(others).fill(plain), delegate.certificate] });
    assert.equal(checkResponse(behind(responderCertificatesMax - 1), www, nowMs).ok, true);
    assert.match(complaint(behind(responderCertificatesMax)), /signed by nobody who may/);
  });

  it('is refused when the responder has nothing to say', () => {
    assert.match(complaint(ocspFailure(OCSPResponseStatus.unauthorized)), /answers unauthorized/);
    assert.match(complaint(ocspFailure(OCSPResponseStatus.tryLater)), /answers tryLater/);
    assert.match(complaint(ocspFailure(OCSPResponseStatus.successful)), /unknown type/);
  });

  it('is refused when it is damaged anywhere, and when it is something else', () => {
    const bytes = answer({ certificates: [] });
    for (let index = 0; index < bytes.length; index += 1) {
      const damaged = Buffer.from(bytes);
      damaged[index]! ^= 0x11;
      const verdict = checkResponse(damaged, www, nowMs);
      // What is not signed, such as parameters of the algorithm, changes nothing.
      if (verdict.ok) assert.equal(verdict.untilMs, nowMs + hourMs);
      else assert.equal(verdict.isRevoked, false);
      assert.ok(!checkResponse(bytes.subarray(0, index), www, nowMs).ok);
    }
    for (const text of ['', '<html>', '0'.repeat(65_536), '0\x80'.repeat(32_768)])
      assert.match(complaint(Buffer.from(text, 'latin1')), /cannot be read/);
  });

  it('may be made by OpenSSL', async (context) => {
    const leaf = await authority.issue({ names: ['openssl.test'], ocspResponder });
    const certificate = stapled(leaf, authority);
    const openssl = opensslResponder(context, authority, delegate, certificate);
    const good = checkResponse(openssl('V', 'authority'), certificate, Date.now());
    assert.ok(good.ok && good.untilMs - good.sinceMs === hourMs, JSON.stringify(good));
    assert.equal(checkResponse(openssl('V', 'delegate'), certificate, Date.now()).ok, true);
    const revoked = checkResponse(openssl('R', 'authority'), certificate, Date.now());
    assert.ok(!revoked.ok && revoked.isRevoked);
  });
});

/** Answers to our own request for `certificate`, whose state is valid or revoked. */
function opensslResponder(
  context: TestContext,
  authority: TestAuthority,
  delegate: IssuedCertificate,
  certificate: StapledCertificate,
): (state: 'V' | 'R', signer: 'authority' | 'delegate') => Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'causeway-ocsp-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const path = (name: string): string => join(directory, name);
  for (const [name, pair] of [
    ['authority', authority],
    ['delegate', delegate],
  ] as const) {
    writeFileSync(path(`${name}.pem`), pair.certificate);
    writeFileSync(path(`${name}.key`), pair.key);
  }
  writeFileSync(path('request'), ocspRequest(certificate));
  return (state, signer) => {
    const { serialNumber } = certificate.leaf;
    const revokedAt = state === 'R' ? '260101000000Z' : '';
    writeFileSync(
      path('index'),
      `${state}\t391231000000Z\t${revokedAt}\t${serialNumber}\tunknown\t/CN=leaf\n`,
    );
    const key = ['-rsigner', path(`${signer}.pem`), '-rkey', path(`${signer}.key`)];
    const files = ['-index', path('index'), '-CA', path('authority.pem'), '-reqin', path('request')];
    const out = ['-nmin', '60', '-respout', path('response')];
    execFileSync('openssl', ['ocsp', ...files, ...key, ...out], { stdio: 'ignore' });
    return readFileSync(path('response'));
  };
}
