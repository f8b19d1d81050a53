import { z } from 'zod';
import { say } from '../fields.ts';
import { source } from '../source.ts';

/** What a limit tells requests apart by. */
export const limitKey = z
  .union([source, z.array(source).min(1).max(8)], {
    error: () => say('wrong_type', 'neither a source nor a list of sources'),
  })
  .describe(
    'What is counted by itself: a source, or a list that counts together. A part that a request lacks is the address of its client; IPv6 by /64.',
  );
