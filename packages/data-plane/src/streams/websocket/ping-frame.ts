/** The pings that the node sends by itself. */

import { randomBytes } from 'node:crypto';

import { Opcode } from './frame-tracker.ts';
import { controlFrame } from './frames.ts';

/**
 * Drawn once a thread, so that a connection keeps none: a client that answers late, or only the last of several, is understood as well. Who
 * knows it can have his own pongs kept from the upstream, and no more.
 */
const payload = randomBytes(8);

/** To a client. The same bytes each time: not to be changed. */
export const pingFrame = controlFrame(Opcode.ping, payload, false);

/** Whether a pong answers a ping of the node, not one of the upstream. */
export function answersOurPing(pong: Buffer): boolean {
  return pong.equals(payload);
}
