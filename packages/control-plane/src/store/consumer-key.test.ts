import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import { createConsumerKey } from './consumer-key.ts';

it('keys that the control plane makes differ, begin with what people are shown, and end with a check of the rest', () => {
  const made = Array.from({ length: 100 }, createConsumerKey);
  assert.equal(new Set(made.map(({ text }) => text)).size, 100);
  for (const { text, prefix } of made) {
    const [, body = '', check = ''] = /^(cwk_[0-9A-Za-z]{26})_([0-9A-Za-z]{4})$/.exec(text) ?? [];
    assert.equal(prefix, body.slice(0, 8));
    const bytes = createHash('sha256').update(body).digest();
    const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    assert.equal(check, [0, 4, 8, 12].map((at) => digits[bytes.readUInt32BE(at) % 62]).join(''));
  }
});
