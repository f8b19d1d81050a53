/** Both sides of a tunnel, as what passes through it sees them. */

import type { TunnelPass, TunnelPassOwner, TunnelSide } from '../streams/websocket/tunnel-pass.ts';
import { type FrameParts, readWebsocketFrames } from './websocket-frames.ts';

/** Keeps what is sent, and by what it was followed. */
export class TunnelSides implements TunnelPassOwner {
  /** Set it before the first call. */
  pass: TunnelPass | undefined;
  readonly #sent: Record<TunnelSide, Buffer[]> = { client: [], upstream: [] };
  /** Sides that are slower than the sender. */
  readonly slow = new Set<TunnelSide>();
  readonly violations: { code: number; reason: string }[] = [];
  /** What was known of close frames each time that one moved. */
  readonly closeMoves: string[] = [];

  send(to: TunnelSide, bytes: Buffer): boolean {
    // The memory may be used for other bytes when the call is over.
    this.#sent[to].push(Buffer.from(bytes));
    return !this.slow.has(to);
  }

  onCloseMoved(): void {
    const { clientCode, upstreamCode } = this.pass!;
    const gone = (['client', 'upstream'] as const).filter((side) => this.pass!.isClosed(side));
    this.closeMoves.push(`${clientCode ?? '-'} ${upstreamCode ?? '-'} ${gone.join('+')}`);
  }

  onViolation(code: number, reason: string): void {
    this.violations.push({ code, reason });
  }

  bytes(to: TunnelSide): Buffer {
    return Buffer.concat(this.#sent[to]);
  }

  frames(to: TunnelSide): FrameParts[] {
    return readWebsocketFrames(this.bytes(to));
  }

  /** Messages and control frames in order, as short texts. */
  told(to: TunnelSide): string[] {
    return toldBy(this.frames(to));
  }

  /** Hands the bytes over in memory that is written over when the call is done. Returns whether more is wanted, each time. */
  give(from: TunnelSide, ...pieces: readonly Buffer[]): boolean[] {
    return pieces.map((piece) => {
      const memory = Buffer.from(piece);
      const goesOn = this.pass!.take(from, memory);
      memory.fill(0xee);
      return goesOn;
    });
  }
}

const names: Readonly<Record<number, string>> = { 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };

/** What frames say, wherever messages are cut into fragments. */
export function toldBy(frames: readonly FrameParts[]): string[] {
  const told: string[] = [];
  let open: { opcode: number; parts: Buffer[] } | undefined;
  for (const { opcode, payload, isFinal } of frames) {
    if (opcode >= 8) {
      told.push(opcode === 8 ? closeText(payload) : `${names[opcode] ?? opcode} ${payload.toString()}`);
      continue;
    }
    open ??= { opcode, parts: [] };
    open.parts.push(payload);
    if (!isFinal) continue;
    told.push(`${names[open.opcode] ?? open.opcode} ${Buffer.concat(open.parts).toString()}`);
    open = undefined;
  }
  return told;
}

function closeText(payload: Buffer): string {
  if (payload.length < 2) return 'close';
  return `close ${payload.readUInt16BE(0)} ${payload.toString('utf8', 2)}`.trimEnd();
}
