import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { canonicalPath, encodedCharacters, encodedMask, encodedNames } from './canonical-path.ts';

const { slash, backslash, question, hash, semicolon } = encodedCharacters;

const rewritten: readonly [sent: string, path: string, encoded?: number][] = [
  ['/', '/'],
  ['/admin', '/admin'],
  ['/admin/', '/admin/'],
  ['/.well-known/x', '/.well-known/x'],
  ['/a/...', '/a/...'],
  ["/a!$&'()*+,=:@b", "/a!$&'()*+,=:@b"],
  ['//admin', '/admin'],
  ['/a///b//', '/a/b/'],
  ['/./admin', '/admin'],
  ['/public/../admin', '/admin'],
  ['/public/%2e%2e/admin', '/admin'],
  ['/%2E/admin', '/admin'],
  ['/public/.%2e/admin', '/admin'],
  ['/a/b/.', '/a/b/'],
  ['/a/b/..', '/a/'],
  ['/..', '/'],
  ['/../../etc/passwd', '/etc/passwd'],
  ['/a//../b', '/b'],
  ['/%61%64%6d%69%6e', '/admin'],
  ['/%7euser/%2d%5F', '/~user/-_'],
  ['/caf%c3%a9', '/caf%C3%A9'],
  ['/a%20b', '/a%20b'],
  ['/a%252e%252e', '/a%252e%252e'],
  ['/a"<>^`{|}[]', '/a%22%3C%3E%5E%60%7B%7C%7D%5B%5D'],
  ['/admin%2fx', '/admin%2Fx', slash],
  ['/public%2f..%2fadmin', '/public%2F..%2Fadmin', slash],
  ['/public\\..\\admin', '/public\\..\\admin', backslash],
  ['/a%5cb', '/a%5Cb', backslash],
  ['/public/..;/admin', '/public/..;/admin', semicolon],
  ['/a%3bb', '/a%3Bb', semicolon],
  ['/admin%3f', '/admin%3F', question],
  ['/admin%23', '/admin%23', hash],
  ['/%2f%5C%3F%23;', '/%2F%5C%3F%23;', slash | backslash | question | hash | semicolon],
];

for (const [sent, path, encoded = 0] of rewritten) {
  test(`${sent} is ${path}`, () => {
    assert.deepEqual(canonicalPath(sent), { ok: true, path, query: undefined, encoded });
  });
}

const refused: readonly [sent: string, reason: RegExp][] = [
  ['', /begin with/],
  ['admin', /begin with/],
  ['*', /begin with/],
  ['/admin%00', /%00/],
  ['/admin%00.js', /%00/],
  ['/%zz', /invalid escape at byte 1/],
  ['/a%', /invalid escape/],
  ['/a%4', /invalid escape/],
  ['/%%32e', /invalid escape/],
  ['/public/%c0%ae%c0%ae/admin', /over-long/],
  ['/%c1%9c', /over-long/],
  ['/%e0%80%af', /over-long/],
  ['/%f0%80%80%af', /over-long/],
  ['/a b', /0x20 at byte 2/],
  ['/a\tb', /0x09/],
  ['/a\x7f', /0x7f/],
  ['/a\0', /0x00/],
  ['/caf\u00e9', /0xe9/],
  ['/\u{1f600}', /percent-encoded/],
  ['/a#b', /fragment/],
  ['/a?b#c', /fragment/],
  ['/a?b c', /query holds the character 0x20/],
  ['/a?b\r', /0x0d/],
  ['/a?caf\u00e9', /0xe9/],
];

for (const [sent, reason] of refused) {
  test(`${JSON.stringify(sent)} is refused`, () => {
    const result = canonicalPath(sent);
    assert.ok(!result.ok);
    assert.match(result.detail, reason);
  });
}

test('the query is passed as it was sent', () => {
  const result = canonicalPath('/a/../b?x=/../c&y=%zz%2e//?;\\');
  assert.ok(result.ok);
  assert.equal(result.path, '/b');
  assert.equal(result.query, 'x=/../c&y=%zz%2e//?;\\');
  assert.equal(result.encoded, 0);
});

test('an empty query differs from none', () => {
  const result = canonicalPath('/a?');
  assert.ok(result.ok);
  assert.equal(result.query, '');
});

test('a Latin-1 escape that is no over-long UTF-8 is kept', () => {
  const result = canonicalPath('/%c0rbol/%e9t%e9');
  assert.ok(result.ok);
  assert.equal(result.path, '/%C0rbol/%E9t%E9');
});

test('slashes are kept on demand, and dot segments then follow RFC 3986 to the letter', () => {
  const paths = ['/a//b', '/a//../b', '/a//..', '/..//a', '//'].map((sent) => canonicalPath(sent, false));
  assert.deepEqual(
    paths.map((result) => result.ok && result.path),
    ['/a//b', '/a/b', '/a/', '//a', '//'],
  );
});

test('masks and names are two spellings of one set', () => {
  assert.deepEqual(encodedNames(encodedMask(['semicolon', 'slash'])), ['slash', 'semicolon']);
  assert.equal(encodedMask([]), 0);
  assert.deepEqual(encodedNames(31), Object.keys(encodedCharacters));
});

const pieces = '/ / . .. %2e %2E %2f %5c \\ ; %3b %25 % 2 e a B %61 { %7b %c3%a9 %00 ~ %7E ?'.split(' ');
const piece = fc.constantFrom(...pieces, ' ');
const target = fc.array(piece, { maxLength: 24 }).map((chosen) => `/${chosen.join('')}`);

test('property: a canonical path is its own canonical path and has no dot segment, nor //', () => {
  fc.assert(
    fc.property(target, fc.boolean(), (sent, mergeSlashes) => {
      const first = canonicalPath(sent, mergeSlashes);
      if (!first.ok) return;
      assert.deepEqual(canonicalPath(first.path, mergeSlashes), { ...first, query: undefined });
      assert.match(first.path, /^\/[!-~]*$/);
      assert.doesNotMatch(first.path, /\/\.\.?(\/|$)/);
      if (mergeSlashes) assert.doesNotMatch(first.path, /\/\//);
    }),
    { numRuns: 3000 },
  );
});

test('property: canonicalPath never throws on any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (sent) => {
      assert.equal(typeof canonicalPath(`/${sent}`).ok, 'boolean');
    }),
  );
});

for (const unit of ['/../', '//', '%2e', '/%2e%2e', '/a/../', '/./', '%2f', '\\', '{']) {
  test(`the cost of ${unit} repeated grows no faster than the path`, () => {
    const long = canonicalPath(`/${unit.repeat((64 * 1024) / unit.length)}`);
    assert.ok(long.ok);
    const costOf = (bytes: number) => {
      const sent = `/${unit.repeat(bytes / unit.length)}`;
      return Math.min(...Array.from({ length: 15 }, () => timeMs(() => canonicalPath(sent))));
    };
    costOf(8 * 1024);
    // Quadratic work would be 64 times as much; 24 leaves room for a busy machine.
    assert.ok(costOf(64 * 1024) < 24 * Math.max(costOf(8 * 1024), 0.02));
  });
}

function timeMs(run: () => unknown): number {
  const startedAt = performance.now();
  run();
  return performance.now() - startedAt;
}
