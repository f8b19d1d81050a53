/** A tunnel between two peers that do what a test says, on a clock that stands still. */

import { createLogger } from '@causeway/runtime/logger';
import { ManualClock } from '@causeway/runtime/manual-clock';

import { aloneShared } from '../counts/node-shared.ts';
import type { ExchangeRecord } from '../proxy/exchange-record.ts';
import type { ProxyContext } from '../proxy/proxy-context.ts';
import { TimerWheel } from '../proxy/timer-wheel.ts';
import { Expiry } from '../streams/expiry.ts';
import type { StreamAdmission } from '../streams/live-stream.ts';
import { LiveStreams } from '../streams/live-streams.ts';
import { Tunnel } from '../streams/tunnel.ts';
import type { TunnelPeer } from '../streams/tunnel-peer.ts';
import { BytePass } from '../streams/websocket/byte-pass.ts';
import { MessagePass } from '../streams/websocket/message-pass.ts';
import type { MessageRules } from '../streams/websocket/message-rules.ts';
import type { TunnelSide } from '../streams/websocket/tunnel-pass.ts';
import { exchangeRecord } from './exchange-records.ts';
import { toldBy } from './tunnel-sides.ts';
import { readWebsocketFrames } from './websocket-frames.ts';

/** Keeps what it is sent, and takes it when it is told to. */
export class FakePeer implements TunnelPeer {
  unsentMark = 0;
  /** Takes nothing by itself. */
  isStuck = false;
  isPaused = true;
  isEnded = false;
  isDestroyed = false;
  readonly #sent: Buffer[] = [];

  begin(): void {
    this.isPaused = false;
  }

  send(bytes: Buffer): boolean {
    if (this.isEnded || this.isDestroyed) return true;
    this.#sent.push(Buffer.from(bytes));
    if (this.isStuck) this.unsentMark += bytes.length;
    return this.unsentMark === 0;
  }

  flush(): void {}

  end(): void {
    this.isEnded = true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  get received(): Buffer {
    return Buffer.concat(this.#sent);
  }

  /** Whole frames, as short texts. */
  get told(): string[] {
    return toldBy(readWebsocketFrames(this.received));
  }
}

export interface TunnelSetting {
  readonly idleMs?: number;
  readonly stuckMs?: number;
  readonly lifetimeMs?: number;
  readonly pingIntervalMs?: number;
  readonly pongTimeoutMs?: number;
  /** Messages are read by these. */
  readonly rules?: Partial<MessageRules>;
  /** After so long what let it in expires, and by how much it is renewed each time. */
  readonly expiresInMs?: number;
  readonly graceMs?: number;
  readonly renewals?: number[];
  readonly random?: () => number;
}

export class TunnelFixture {
  readonly clock = new ManualClock();
  readonly client = new FakePeer();
  readonly upstream = new FakePeer();
  readonly record: ExchangeRecord = exchangeRecord({ ended: undefined, bytesIn: 0, bytesOut: 0 });
  readonly streams: LiveStreams;
  readonly tunnel: Tunnel;
  readonly wheel: TimerWheel;
  overs = 0;
  aborts = 0;

  constructor(setting: TunnelSetting = {}) {
    const { clock } = this;
    const { idleMs = 0, stuckMs = 0, lifetimeMs = 0, pingIntervalMs = 0, pongTimeoutMs = 0, rules } = setting;
    this.wheel = new TimerWheel(clock);
    this.streams = new LiveStreams(clock, aloneShared().slices, setting.random ?? (() => 0));
    const logger = createLogger({ level: 'error' });
    const context = { clock, wheel: this.wheel, streams: this.streams, logger } as unknown as ProxyContext;
    const webSocket = { isEnabled: true, allowsOrigin: () => true, connectionsMax: 0, message: undefined };
    const times = { lifetimeMs, pingIntervalMs, pongTimeoutMs };
    const facts = {
      record: this.record,
      admission: { judge: () => undefined } as unknown as StreamAdmission,
      settings: { webSocket: { ...webSocket, ...times }, eventsKeepAliveMs: 0, expiryGraceMs: 0 },
      idleMs,
      stuckMs,
      call: { abort: () => (this.aborts += 1) } as never,
      expiry: this.#expiry(setting),
      onOver: () => (this.overs += 1),
    };
    const noRules = { messageBytesMax: 0, messagesPerSecond: 0, refusesText: false, refusesBinary: false };
    this.tunnel = new Tunnel(context, facts, (owner) =>
      rules === undefined ? new BytePass(owner) : new MessagePass(owner, { ...noRules, ...rules }, clock),
    );
    this.tunnel.begin(this.client, this.upstream);
  }

  peer(side: TunnelSide): FakePeer {
    return side === 'client' ? this.client : this.upstream;
  }

  /** Bytes come from the side; false: no more is to come. */
  give(from: TunnelSide, bytes: Buffer): boolean {
    const goesOn = this.tunnel.onPeerBytes(from, bytes);
    this.tunnel.onPeerPart(from);
    return goesOn;
  }

  /** The side takes so much of what waits for it; without a number, all. */
  take(side: TunnelSide, bytes?: number): void {
    const peer = this.peer(side);
    peer.unsentMark = bytes === undefined ? 0 : peer.unsentMark - bytes;
    if (peer.unsentMark === 0) this.tunnel.onPeerDrain(side);
  }

  /** The side ends its connection, and it is gone. */
  leave(side: TunnelSide): void {
    this.tunnel.onPeerEnd(side);
    this.tunnel.onPeerGone(side);
  }

  /** Whether nothing of it is left anywhere, and it has been told so once. */
  get isOver(): boolean {
    const isGone = this.overs === 1 && this.aborts === 1 && this.streams.counts.webSockets === 0;
    return (
      isGone && this.streams.list({ limit: 1 }, 0).total === 0 && this.tunnel.wheelPrevious === undefined
    );
  }

  #expiry({ expiresInMs, graceMs = 0, renewals = [] }: TunnelSetting): Expiry | undefined {
    if (expiresInMs === undefined) return undefined;
    const admission = {
      expiresAtMs: this.clock.wallMs() + expiresInMs,
      renew: (wallMs: number) => {
        const moreMs = renewals.shift();
        if (moreMs === undefined) return false;
        admission.expiresAtMs = wallMs + moreMs;
        return true;
      },
    };
    return new Expiry(this.clock, admission, graceMs);
  }
}
