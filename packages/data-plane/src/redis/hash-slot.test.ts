import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { hashSlot } from './hash-slot.ts';

describe('hashSlot', () => {
  it('is CRC16 of XMODEM, as the specification has it', () => {
    assert.deepEqual(['123456789', '', 'user1000'].map(hashSlot), [0x31c3, 0, 3443]);
  });
});
