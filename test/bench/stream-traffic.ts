// What both ends of benches about streams agree on.

import { encodeFrame, opcodes } from '../kit/websocket-frames.ts';

const payload = 'a message of 32 bytes, for tests';

/** A client's message, masked, and its size. */
export const messageFrame = encodeFrame({ opcode: opcodes.text, payload });
export const messageFrameBytes = messageFrame.length;

/** What each of them is answered with. */
export const answerFrame = encodeFrame({ opcode: opcodes.text, payload, masked: false });

/** On each stream of events. */
export const eventEveryMs = 500;
