import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { type Compiled, compiledKinds, decodeItem, isDecodeFailure } from '@causeway/proto/compiled';
import { ownPortsKey } from '@causeway/proto/config-stream';
import { endpointsDigest } from '@causeway/proto/digest';
import {
  type AffinityKeys,
  type LoginKeys,
  type ControlMessage,
  type End,
  type EndpointSet,
  type Fellows,
  HelloSchema,
  type Item,
  type NodeMessage,
  NodeMessageSchema,
  type NodeProblem,
  NodeProblemSchema,
  type SessionTicketKeys,
  StatusSchema,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { SnapshotItems } from '@causeway/proto/snapshot-items';
import type { Metadata } from '@grpc/grpc-js';
import { type Backoff, createBackoff } from '@causeway/runtime/backoff';
import type { CancelTimer, Clock } from '@causeway/runtime/clock';
import { messageOf } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/logger';
import { sliceWork, type Steps } from '@causeway/runtime/work-slices';
import type { HealthReport } from '../health/health-report.ts';
import { answerCommands, type CommandHandlers } from './command-runner.ts';
import { ConfigClient, type CommandsCall, type SubscribeCall } from './config-client.ts';
import { LastGood, type Snapshot, type ToldBeside } from './last-good.ts';
import { type NodeStatus, statusFields } from './node-status.ts';
import type { SnapshotTarget } from './snapshot-target.ts';
import { StagedUpdate, withEndpoints } from './staged-update.ts';

export interface NodeIdentity {
  nodeId: string;
  gateway: string;
  labels: Readonly<Record<string, string>>;
  version: string;
  workers: number;
}

export interface ConfigSyncOptions {
  /** `host:port` of the control plane's config stream. */
  address: string;
  /** The node's token, read anew for each connection, so that it may come late and be renewed; undefined = not there yet. */
  credential: () => string | undefined;
  identity: NodeIdentity;
  target: SnapshotTarget;
  lastGoodPath: string;
  logger: Logger;
  clock: Clock;
  status: () => NodeStatus;
  /** What is told of endpoints, with the status. */
  health: HealthReport;
  commands: CommandHandlers;
  /** The control plane asks the node to drain. */
  onDrain: () => void;
  /** What session tickets are to be sealed with from now on; at each connection, and at each rotation. */
  onTicketKeys: (keys: SessionTicketKeys) => void;
  /** What affinity cookies are to be signed with from now on; from the disk, at each connection, and when they are replaced. */
  onAffinityKeys: (keys: AffinityKeys) => void;
  /** How many nodes the Gateway has; from the disk, at each connection, and when it changes. */
  onFellows: (fellows: Fellows) => void;
  onLoginKeys: (keys: LoginKeys) => void;
}

/** Status goes up when it has changed, at most once in the first time; unchanged it is a sign of life after the second. */
const statusIntervalMs = 1000;
const heartbeatMs = 5000;
/** Pace at which a credential that is not there yet is looked for. */
const credentialWaitMs = 250;
/** Pace of reconnecting: full jitter, so that nodes do not come back all at once. */
const reconnectBaseMs = 250;
const reconnectMaxMs = 10_000;
/** A connection that lasted so long was a good one: the next loss starts with the shortest pause. */
const stableMs = 2000;
/** For so long the control plane may take to hear the last of a node that ends. */
const lastWordMs = 1000;
/** What an update may be refused for today and taken for tomorrow: a port that is taken, a directory that is missing. */
const ofThisMachine: ReadonlySet<string> = new Set([
  'listener_failed',
  'output_failed',
  'plugin_missing',
  'plugin_failed',
]);
/** Pace at which an update that the machine refused (a port that is taken) is tried again. */
const retryBaseMs = 1000;
const retryMaxMs = 60_000;

/**
 * Keeps the node in step with the control plane: starts from the last good snapshot, applies updates one at a time, tells
 * what became of each, and comes back after every loss. A refused update leaves everything as it was.
 */
export class ConfigSync {
  readonly #options: ConfigSyncOptions;
  readonly #client: ConfigClient;
  readonly #lastGood: LastGood;
  readonly #instance = randomUUID();
  readonly #reconnect: Backoff;
  #applied: Snapshot = { revision: 0, items: SnapshotItems.empty, endpoints: new Map() };
  #staged: StagedUpdate | undefined;
  #desiredRevision = 0;
  #subscribe: SubscribeCall | undefined;
  #commands: CommandsCall | undefined;
  #connected = false;
  #connectedMs = 0;
  #stopped = false;
  /** When the last stream ended; monotonic. */
  #lostMs: number | undefined;
  #lastStatus = '';
  #lastStatusMs = Number.NEGATIVE_INFINITY;
  #work: Promise<void> = Promise.resolve();
  #timers = new Set<CancelTimer>();
  #cancelRetry: CancelTimer | undefined;
  #controlPlanePorts: readonly number[] = [];
  /** Beside updates. */
  #told: ToldBeside = {};
  rejectedTotal = 0;

  constructor(options: ConfigSyncOptions) {
    this.#options = options;
    this.#client = new ConfigClient(options.address);
    this.#lastGood = new LastGood(options.lastGoodPath, options.clock, options.logger);
    this.#reconnect = createBackoff({ baseMs: reconnectBaseMs, maxMs: reconnectMaxMs });
  }

  get appliedRevision(): number {
    return this.#applied.revision;
  }

  /** Newest revision that the control plane has begun to send. */
  get desiredRevision(): number {
    return Math.max(this.#desiredRevision, this.#applied.revision);
  }

  /** Root digest of what is served. */
  get digest(): Uint8Array {
    return this.#applied.items.rootDigest;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Ports that the control plane itself listens on, as it told last. */
  get controlPlanePorts(): readonly number[] {
    return this.#controlPlanePorts;
  }

  /**
   * For how long the control plane has not been there; undefined when it never was. 0 while the stream is open: one whose other end is gone
   * does not stay open for long (keep-alive).
   */
  get staleMs(): number | undefined {
    if (this.#connected) return 0;
    return this.#lostMs === undefined ? undefined : this.#options.clock.monotonicMs() - this.#lostMs;
  }

  /** Applies the last good snapshot, then connects; resolves when the disk has been read. */
  async start(): Promise<void> {
    const stored = this.#lastGood.read();
    if (stored) {
      this.#learn(stored);
      const items = SnapshotItems.empty.with({ upserts: stored.items, removedKeys: [] });
      const endpoints = await sliceWork(withEndpoints(new Map(), stored.endpointSets, items));
      const problems = await this.#tryApply({ revision: stored.revision, items, endpoints });
      if (problems.length === 0)
        this.#options.logger.info({ revision: stored.revision }, 'serving the last good snapshot from disk');
      else
        this.#options.logger.error(
          { problems: problems.map(problemText) },
          'the last good snapshot cannot be served',
        );
    }
    this.#every(statusIntervalMs, () => this.#sendStatus());
    this.#connect();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#timers) cancel();
    this.#cancelRetry?.();
    await this.#endStream();
    this.#client.close();
    await this.#work;
    await this.#lastGood.flush();
  }

  /** What was told last, that everything has ended, is to arrive: who waits for a drain knows nothing else of its end. */
  async #endStream(): Promise<void> {
    const call = this.#connected ? this.#subscribe : undefined;
    this.#subscribe?.end();
    this.#commands?.end();
    if (call === undefined || call.destroyed) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(lastWordMs, resolve);
      call.on('close', () => {
        cancel();
        resolve();
      });
    });
  }

  /** Tells the control plane at once, not only at the next tick: the node has begun to drain, or is done with it. */
  statusChanged(): void {
    this.#sendStatus();
  }

  #connect(): void {
    if (this.#stopped) return;
    const credential = this.#options.credential();
    if (credential === undefined) {
      this.#after(credentialWaitMs, () => this.#connect());
      return;
    }
    const call = this.#client.subscribe(credential);
    const commands = this.#client.commands(credential);
    this.#subscribe = call;
    this.#commands = commands;
    this.#staged = undefined;
    this.#lastStatus = '';
    let over = false;
    const end = (why: string): void => {
      if (over) return;
      over = true;
      this.#disconnected(call, commands, why);
    };
    for (const stream of [call, commands]) {
      stream.on('error', (error: unknown) => end(messageOf(error)));
      stream.on('end', () => end('the control plane closed the stream'));
    }
    call.on('metadata', (metadata: Metadata) => {
      this.#controlPlanePorts = portsOf(metadata);
      this.#contact();
    });
    call.on('data', (message: ControlMessage) => {
      this.#contact();
      this.#enqueue(() => this.#receive(message));
    });
    this.#hello(call);
    answerCommands(commands, this.#options.commands, {
      nodeId: this.#options.identity.nodeId,
      instance: this.#instance,
    });
  }

  #hello(call: SubscribeCall): void {
    const { nodeId, gateway, labels, version, workers } = this.#options.identity;
    const { revision, items, endpoints } = this.#applied;
    const kinds = Object.fromEntries(
      Object.entries(compiledKinds).map(([kind, { schemaVersion }]) => [kind, schemaVersion]),
    );
    const hello = create(HelloSchema, {
      nodeId,
      gateway,
      labels,
      version,
      workers,
      kinds,
      instance: this.#instance,
    });
    if (revision > 0 || items.size > 0) {
      hello.revision = revision;
      hello.rootDigest = items.rootDigest;
      hello.endpointsDigest = endpointsDigest(endpoints.values());
    }
    call.write(create(NodeMessageSchema, { message: { case: 'hello', value: hello } }));
  }

  #contact(): void {
    if (this.#connected) return;
    this.#connected = true;
    this.#connectedMs = this.#options.clock.monotonicMs();
    this.#options.health.begin();
    this.#options.logger.info({ controlPlane: this.#options.address }, 'connected to the control plane');
  }

  #disconnected(call: SubscribeCall, commands: CommandsCall, why: string): void {
    call.cancel();
    commands.cancel();
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#connected) {
      this.#lostMs = nowMs;
      // A stream that is opened and closed at once, such as a twin's, must not be asked for again and again.
      if (nowMs - this.#connectedMs > stableMs) this.#reconnect.reset();
    }
    this.#connected = false;
    this.#options.health.end();
    if (this.#stopped) return;
    const waitMs = this.#reconnect.nextMs();
    this.#options.logger.warn(
      { controlPlane: this.#options.address, retryMs: Math.round(waitMs) },
      `no config stream: ${why}`,
    );
    this.#after(waitMs, () => this.#connect());
  }

  /** One message after the other: applying waits for ports to open, and nothing may overtake it. */
  #enqueue(task: () => Promise<void> | void): void {
    this.#work = this.#work.then(task).catch((error: unknown) => {
      this.#options.logger.error({ err: error }, 'a message of the control plane could not be handled');
      this.#subscribe?.cancel();
    });
  }

  /** From the disk, or as it comes. */
  #learn({ affinityKeys, fellows, loginKeys }: ToldBeside): void {
    const { onAffinityKeys, onFellows, onLoginKeys } = this.#options;
    if (affinityKeys) onAffinityKeys(affinityKeys);
    if (fellows) onFellows(fellows);
    if (loginKeys) onLoginKeys(loginKeys);
    this.#told = {
      ...this.#told,
      ...(affinityKeys && { affinityKeys }),
      ...(fellows && { fellows }),
      ...(loginKeys && { loginKeys }),
    };
  }

  async #receive({ message }: ControlMessage): Promise<void> {
    switch (message.case) {
      case 'holdingsRequest':
        return this.#sendHoldings();
      case 'begin':
        this.#cancelRetry?.();
        this.#staged = new StagedUpdate(message.value);
        this.#desiredRevision = message.value.revision;
        return;
      case 'items':
        return this.#staged?.addItems(message.value);
      case 'endpointSets':
        if (this.#staged) return this.#staged.addEndpoints(message.value.sets);
        return this.#applyEndpoints(message.value.sets);
      case 'end':
        return this.#finish(message.value);
      case 'drain':
        return this.#options.onDrain();
      case 'sessionTicketKeys':
        return this.#options.onTicketKeys(message.value);
      case 'affinityKeys':
        this.#learn({ affinityKeys: message.value });
        return this.#keepApplied();
      case 'fellows':
        this.#learn({ fellows: message.value });
        return this.#keepApplied();
      case 'loginKeys':
        this.#learn({ loginKeys: message.value });
        return this.#keepApplied();
      case undefined:
        // A newer control plane says something that does not concern configuration items; those are versioned.
        return;
    }
  }

  async #finish(end: End): Promise<void> {
    const staged = this.#staged;
    this.#staged = undefined;
    const snapshot = staged && (await sliceWork(staged.finish(end, this.#applied)));
    if (!snapshot) return this.#sendHoldings();
    await this.#apply(snapshot);
  }

  async #applyEndpoints(sets: readonly EndpointSet[]): Promise<void> {
    const { endpoints: held, items } = this.#applied;
    await this.#apply({ ...this.#applied, endpoints: await sliceWork(withEndpoints(held, sets, items)) });
  }

  /** Applies and answers; what the machine refused is tried again until something newer comes. */
  async #apply(
    snapshot: Snapshot,
    retry: Backoff = createBackoff({ baseMs: retryBaseMs, maxMs: retryMaxMs, random: () => 1 }),
  ): Promise<void> {
    const startedMs = this.#options.clock.monotonicMs();
    const problems = await this.#tryApply(snapshot);
    const { revision } = snapshot;
    if (problems.length === 0) {
      const tookUs = Math.round((this.#options.clock.monotonicMs() - startedMs) * 1000);
      return this.#send({ case: 'ack', value: { $typeName: 'causeway.config.v1.Ack', revision, tookUs } });
    }
    this.rejectedTotal += 1;
    this.#options.logger.error(
      { revision, problems: problems.map(problemText) },
      'the update is refused; what was served goes on',
    );
    const canRetry = problems.some(({ reason }) => ofThisMachine.has(reason));
    const nextTryMs = canRetry ? Math.round(retry.nextMs()) : 0;
    if (canRetry)
      this.#cancelRetry = this.#after(nextTryMs, () => this.#enqueue(() => this.#retry(snapshot, retry)));
    this.#send({
      case: 'nack',
      value: { $typeName: 'causeway.config.v1.Nack', revision, problems, nextTryMs },
    });
  }

  async #retry(snapshot: Snapshot, retry: Backoff): Promise<void> {
    if (this.#staged || snapshot.revision !== this.#desiredRevision) return;
    await this.#apply(snapshot, retry);
  }

  async #tryApply(snapshot: Snapshot): Promise<NodeProblem[]> {
    const change = snapshot.items.changeFrom(this.#applied.items);
    const { changed, problems } = await sliceWork(decodeItems(change.upserts));
    const missing = this.#missingGateway(snapshot);
    if (missing) problems.push(missing);
    if (problems.length > 0) return problems;
    const { removedKeys } = change;
    const refused = await this.#options.target.apply({ ...snapshot, changed, removedKeys });
    if (refused.length > 0) return refused;
    this.#applied = snapshot;
    this.#keepApplied();
    return [];
  }

  /** For a start without the control plane. */
  #keepApplied(): void {
    if (this.#applied.revision > 0)
      this.#lastGood.save({
        ...this.#applied,
        ...this.#told,
      });
  }

  #missingGateway({ items }: Snapshot): NodeProblem | undefined {
    const { gateway } = this.#options.identity;
    if (items.get(`gateway/${gateway}`)) return undefined;
    const detail = `there is no Gateway named ${JSON.stringify(gateway)}: apply one, or start the node with another --gateway`;
    return create(NodeProblemSchema, { reason: 'invalid_resource', resource: `gateway/${gateway}`, detail });
  }

  #sendHoldings(): void {
    this.#send({
      case: 'holdings',
      value: { $typeName: 'causeway.config.v1.Holdings', bucketDigests: this.#applied.items.bucketDigests() },
    });
  }

  #sendStatus(): void {
    if (!this.#connected) return;
    const status = { appliedRevision: this.#applied.revision, ...statusFields(this.#options.status()) };
    const text = JSON.stringify(status);
    const nowMs = this.#options.clock.monotonicMs();
    const news = this.#options.health.take();
    if (news === undefined && text === this.#lastStatus && nowMs - this.#lastStatusMs < heartbeatMs) return;
    this.#lastStatus = text;
    this.#lastStatusMs = nowMs;
    this.#send({ case: 'status', value: create(StatusSchema, { ...status, ...news }) });
  }

  #send(message: NodeMessage['message']): void {
    const call = this.#subscribe;
    if (call && !call.destroyed && !call.writableEnded) call.write(create(NodeMessageSchema, { message }));
  }

  #after(delayMs: number, action: () => void): CancelTimer {
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(cancel);
      action();
    });
    this.#timers.add(cancel);
    return () => {
      this.#timers.delete(cancel);
      cancel();
    };
  }

  #every(intervalMs: number, action: () => void): void {
    this.#after(intervalMs, () => {
      action();
      if (!this.#stopped) this.#every(intervalMs, action);
    });
  }
}

function* decodeItems(items: readonly Item[]): Steps<{ changed: Compiled[]; problems: NodeProblem[] }> {
  const changed: Compiled[] = [];
  const problems: NodeProblem[] = [];
  for (const item of items) {
    const decoded = decodeItem(item);
    if (isDecodeFailure(decoded))
      problems.push(create(NodeProblemSchema, { ...decoded, resource: item.key }));
    else changed.push(decoded);
    yield;
  }
  return { changed, problems };
}

function problemText(problem: NodeProblem): string {
  return `${problem.reason} ${problem.resource} ${problem.pointer}: ${problem.detail}`;
}

function portsOf(metadata: Metadata): number[] {
  return String(metadata.get(ownPortsKey)[0] ?? '')
    .split(',')
    .map(Number)
    .filter((port) => port > 0);
}
