/** Frames of our own, as bytes: those that the node puts between the frames of others, and messages that it has read and passes on. */

import { noCloseCode, Opcode } from './frame-tracker.ts';
import { Sender } from './ws-library.ts';

/** Of the reason in a close frame: a control frame has 125 bytes at most (RFC 6455 section 5.5), two of them are the code. */
export const closeReasonBytesMax = 123;

const nothing = Buffer.alloc(0);

/** `reason` is cut behind its last character that fits. Masked is what goes to an upstream: there the node is the client. */
export function closeFrame(code: number, reason: string, isMasked: boolean): Buffer {
  if (code === noCloseCode) return controlFrame(Opcode.close, nothing, isMasked);
  const text = Buffer.from(reason);
  const length = cutLength(text);
  const payload = Buffer.alloc(2 + length);
  payload.writeUInt16BE(code);
  text.copy(payload, 2, 0, length);
  return controlFrame(Opcode.close, payload, isMasked);
}

/** A ping, a pong or a close; `payload` of at most 125 bytes stays as it is. */
export function controlFrame(opcode: number, payload: Buffer, isMasked: boolean): Buffer {
  return Buffer.concat(
    Sender.frame(payload, { fin: true, opcode, mask: isMasked, readOnly: true, rsv1: false }),
  );
}

/** A whole message as one masked frame, in one or two pieces. `data` is masked where it lies, and belongs to what is returned. */
export function messageFrame(data: Buffer, isText: boolean): readonly Buffer[] {
  const opcode = isText ? Opcode.text : Opcode.binary;
  return Sender.frame(data, { fin: true, opcode, mask: true, readOnly: false, rsv1: false });
}

function cutLength(text: Buffer): number {
  if (text.length <= closeReasonBytesMax) return text.length;
  let length = closeReasonBytesMax;
  // A byte 10xxxxxx goes on with a character: what is before it must not stay without it.
  while ((text[length]! & 0xc0) === 0x80) length -= 1;
  return length;
}
