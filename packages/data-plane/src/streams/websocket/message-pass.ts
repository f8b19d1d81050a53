/** A WebSocket whose client's messages are read, because something is demanded of them; what comes from the upstream passes as bytes. */

import type { Clock } from '@causeway/runtime/clock';

import { ByteDirection } from './byte-direction.ts';
import { FrameTracker, Opcode } from './frame-tracker.ts';
import { HeldMessages } from './held-messages.ts';
import { closeFrame, controlFrame, messageFrame } from './frames.ts';
import { MessageReader, type MessageReaderOwner } from './message-reader.ts';
import { type MessageFault, MessageJudge, type MessageRules, messageBytesMaxOf } from './message-rules.ts';
import { answersOurPing, pingFrame } from './ping-frame.ts';
import { goingAway, type TunnelPass, type TunnelPassOwner, type TunnelSide } from './tunnel-pass.ts';

/** Of a control frame of a client: two octets and the mask (RFC 6455 section 5.2). */
const controlHeadBytes = 6;
/** The registry's "Try Again Later". */
const overfull: MessageFault = { code: 1013, reason: 'too many unfinished messages' };

/**
 * Each message of the client goes on as one frame, when it is whole and has been judged; pings, pongs and the close frame go on one by one,
 * among the messages where they came. Both peers must have agreed on no extension: a message that is compressed breaks the protocol here.
 *
 * The first fault ends the client's direction: the client gets its code, the upstream 1001.
 */
export class MessagePass implements TunnelPass, MessageReaderOwner {
  readonly #owner: TunnelPassOwner;
  readonly #judge: MessageJudge;
  readonly #toClient: ByteDirection;
  readonly #held: HeldMessages;
  /** Knows the client's close frame, however the messages ended. */
  readonly #tracker = new FrameTracker();
  /** Undefined: nothing of the client passes any more. */
  #reader: MessageReader | undefined;
  #fault: MessageFault | undefined;
  /** Of a message that is not whole, of these the ones that came with the read at hand, and whether that has completed one. */
  #heldBytes = 0;
  #controlBytes = 0;
  #hasMessage = false;
  #isClosing = false;
  #isUpstreamClosed = false;
  #goesOn = true;

  /** `clock` is read with each message, where their number is limited. `held`: of all that share the limit. */
  constructor(
    owner: TunnelPassOwner,
    rules: MessageRules,
    clock: Pick<Clock, 'monotonicMs'>,
    held = new HeldMessages(),
  ) {
    this.#owner = owner;
    this.#held = held;
    this.#judge = new MessageJudge(rules, clock);
    this.#toClient = new ByteDirection(owner, 'client');
    this.#reader = new MessageReader(this, messageBytesMaxOf(rules));
  }

  get clientCode(): number | undefined {
    return this.#tracker.closeCode;
  }

  get upstreamCode(): number | undefined {
    return this.#toClient.peerCode;
  }

  isClosed(to: TunnelSide): boolean {
    return to === 'client' ? this.#toClient.isClosed : this.#isUpstreamClosed;
  }

  take(from: TunnelSide, chunk: Buffer): boolean {
    const before = this.#closeFrames;
    const goesOn = from === 'upstream' ? this.#toClient.take(chunk) : this.#takeFromClient(chunk);
    if (this.#closeFrames !== before) this.#owner.onCloseMoved();
    return goesOn;
  }

  close(code: number, reason: string): void {
    const before = this.#closeFrames;
    this.#close(code, reason);
    if (this.#closeFrames !== before) this.#owner.onCloseMoved();
  }

  ping(): boolean {
    return this.clientCode === undefined && this.#toClient.insert(pingFrame);
  }

  end(): void {
    this.#reader = undefined;
    this.#hold(0);
  }

  onMessage(data: Buffer, isText: boolean): void {
    this.#hasMessage = true;
    if (this.#isOver) return;
    this.#fault = this.#judge.faultOf(data, isText);
    if (this.#fault !== undefined) return;
    for (const bytes of messageFrame(data, isText)) this.#sendUp(bytes);
  }

  onPing(payload: Buffer): void {
    this.#controlBytes += controlHeadBytes + payload.length;
    if (!this.#isOver) this.#sendUp(controlFrame(Opcode.ping, payload, true));
  }

  onPong(payload: Buffer): void {
    this.#controlBytes += controlHeadBytes + payload.length;
    if (!this.#isOver && !answersOurPing(payload)) this.#sendUp(controlFrame(Opcode.pong, payload, true));
  }

  onClose(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#reader = undefined;
    this.#hold(0);
    this.#isUpstreamClosed = true;
    this.#sendUp(closeFrame(code, reason, true));
  }

  /** A read may bring more behind what ended the direction. */
  get #isOver(): boolean {
    return this.#fault !== undefined || this.#reader === undefined;
  }

  #takeFromClient(chunk: Buffer): boolean {
    this.#tracker.take(chunk);
    this.#goesOn = true;
    this.#controlBytes = 0;
    this.#hasMessage = false;
    const fault = this.#reader?.read(chunk) ?? this.#holdRead(chunk.length);
    // What a message is refused for came before what the bytes behind it are refused for.
    this.#fault ??= fault;
    if (this.#fault !== undefined && this.#reader !== undefined) this.#refuse(this.#fault);
    return this.#goesOn;
  }

  /** What of a read is kept; of one that has completed a message at most all. */
  #holdRead(readBytes: number): MessageFault | undefined {
    if (this.#reader === undefined) return undefined;
    const keptBytes = readBytes - this.#controlBytes;
    if (!this.#hasMessage) return this.#hold(this.#heldBytes + keptBytes) ? undefined : overfull;
    return this.#hold(this.#tracker.isBetween ? 0 : keptBytes) ? undefined : overfull;
  }

  #hold(bytes: number): boolean {
    const more = bytes - this.#heldBytes;
    this.#heldBytes = bytes;
    return more === 0 || this.#held.change(more);
  }

  #refuse({ code, reason }: MessageFault): void {
    this.#close(code, reason);
    this.#owner.onViolation(code, reason);
  }

  #close(code: number, reason: string): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#reader = undefined;
    this.#hold(0);
    this.#toClient.close(closeFrame(code, reason, false));
    if (this.#isUpstreamClosed) return;
    this.#isUpstreamClosed = true;
    this.#sendUp(closeFrame(goingAway, '', true));
  }

  #sendUp(bytes: Buffer): void {
    if (!this.#owner.send('upstream', bytes)) this.#goesOn = false;
  }

  /** Close frames that have come or gone. */
  get #closeFrames(): number {
    const up = (this.clientCode === undefined ? 0 : 1) + (this.#isUpstreamClosed ? 1 : 0);
    return this.#toClient.closeFrames + up;
  }
}
