import { createHash, randomInt } from 'node:crypto';
import { serverKeyMark } from '@causeway/model/server-keys';

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 154 bits. */
const randomDigits = 26;
const checkDigits = 4;
/** Digits that tell people which key it is: more than 128 bits are left. */
const shownDigits = 4;

/** `cwk_<26 digits>_<4 digits>`: the last four are made from the rest, so that who finds such a text can tell a key from a look-alike. */
export function createConsumerKey(): { text: string; prefix: string } {
  const body = Array.from({ length: randomDigits }, () => digits[randomInt(digits.length)]).join('');
  return {
    text: `${serverKeyMark}${body}_${checkOf(body)}`,
    prefix: `${serverKeyMark}${body.slice(0, shownDigits)}`,
  };
}

function checkOf(body: string): string {
  const bytes = createHash('sha256').update(serverKeyMark).update(body).digest();
  return Array.from({ length: checkDigits }, (_, index) => {
    return digits[bytes.readUInt32BE(index * 4) % digits.length];
  }).join('');
}
