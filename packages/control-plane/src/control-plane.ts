import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@causeway/runtime/clock';
import { lockDirectory, makePrivateDirectory, writeFileAtomic } from '@causeway/runtime/data-dir';
import { GatewayError } from '@causeway/runtime/errors';
import { HealthChecks } from '@causeway/runtime/health-checks';
import type { Lifecycle } from '@causeway/runtime/lifecycle';
import { formatListenAddress, isLoopback, type ListenAddress } from '@causeway/runtime/listen-address';
import { logListening } from '@causeway/runtime/listening-line';
import type { Logger } from '@causeway/runtime/logger';
import { createMetricsText } from '@causeway/runtime/metrics-text';
import { createStatusPages } from '@causeway/runtime/status-pages';
import { stringify } from 'yaml';
import { AdminServer } from './api/admin-server.ts';
import { adminApp } from './api/app.ts';
import type { ApiContext } from './api/context.ts';
import { DescriptorPins } from './descriptors/descriptor-pins.ts';
import { listenExplained } from './listen-explained.ts';
import { controlPlaneMetrics } from './metrics.ts';
import { AffinityKeyring, LoginKeyring } from './publish/cookie-keys.ts';
import { CommandChannels } from './publish/command-channel.ts';
import type { KeyUses } from './publish/key-uses.ts';
import { NodeRegistry } from './publish/node-registry.ts';
import { Publisher } from './publish/publisher.ts';
import { SessionTickets } from './publish/session-tickets.ts';
import { StreamServer } from './publish/stream-server.ts';
import type { ControlPlaneSettings } from './settings.ts';
import { CredentialHashes } from './store/credential-hashes.ts';
import { Keyring } from './store/keyring.ts';
import { passwordsIn, secretReader } from './store/open-secret.ts';
import { ResourceIndex } from './store/resource-index.ts';
import { loadSealingKey, Sealer } from './store/sealer.ts';
import { SqliteStore } from './store/sqlite-store.ts';
import type { Store } from './store/store.ts';
import { type TokenRole, Tokens } from './tokens.ts';
import { SignatureIndex } from './validate/signature-index.ts';
import { version } from './version.ts';
import { WritePath } from './write-path.ts';

export interface ControlPlaneParts {
  settings: ControlPlaneSettings;
  lifecycle: Lifecycle;
  logger: Logger;
  clock: Clock;
}

/** Starts everything in order: directory and lock, store, index, publisher, config stream, admin API. */
export async function startControlPlane(parts: ControlPlaneParts): Promise<void> {
  const { settings, lifecycle, logger, clock } = parts;
  refuseOpenAddresses(settings);
  const state = await openState(parts);
  const nodes = new NodeRegistry(clock, settings.nodeRetention);
  await startKeyUses(parts, state, nodes.keyUses);
  const tickets = await startTickets(parts, state.keyring);
  const readSecret = secretReader(state.index, state.sealer);
  const affinity = new AffinityKeyring(state.keyring);
  const logins = new LoginKeyring(state.keyring);
  const publisher = new Publisher({
    index: state.index,
    readSecret,
    hashes: state.hashes,
    nodes,
    logger,
    tickets,
    affinity,
    logins,
  });
  const commands = new CommandChannels(clock);
  // Known before they are open, so that no node connects without having been told.
  const ownAddresses = [settings.adminAddress, settings.streamAddress].filter(({ port }) => port !== 0);
  const writePath = new WritePath({ ...state, clock, ownAddresses });
  const reading = { index: state.index, readSecret, writePath, ownAddresses, clock, logger };
  const registry = controlPlaneMetrics({ index: state.index, nodes, writePath });
  const statusPages = createStatusPages({
    version,
    readiness: readiness(writePath),
    metrics: createMetricsText(() => registry.collect()),
  });
  await ensureTokens(settings.dataDir, state.tokens, logger);
  const authenticate = (credential: string | undefined): string | undefined =>
    state.tokens.authenticate('node', credential);
  const ownPorts = (): number[] => ownAddresses.map(({ port }) => port);
  const stream = new StreamServer({ publisher, commands, authenticate, ownPorts });
  ownAddresses.push(await startStream(stream, settings.streamAddress, lifecycle, logger));
  const context: ApiContext = {
    ...state,
    nodes,
    commands,
    publisher,
    affinity,
    logins,
    writePath,
    readSecret,
    ownAddresses,
    clock,
    logger,
    statusPages,
    version,
  };
  await startPins(new DescriptorPins(reading), lifecycle);
  await startAdmin(settings, context, ownAddresses, lifecycle);
}

async function startPins(pins: DescriptorPins, lifecycle: Lifecycle): Promise<void> {
  await lifecycle.start(
    'descriptors',
    async () => pins.start(),
    () => pins.stop(),
  );
}

/** Everything that is on disk, and what is derived from it alone. */
async function openState({ settings, lifecycle, clock }: ControlPlaneParts) {
  const stateDir = join(settings.dataDir, 'control-plane');
  makePrivateDirectory(settings.dataDir);
  makePrivateDirectory(stateDir);
  await lifecycle.start(
    'lock',
    () => lockDirectory(stateDir),
    (lock) => lock.release(),
  );
  // The tokens are the last thing that a first start makes.
  const mayBeNew = !existsSync(tokenFile(settings.dataDir, 'admin'));
  const store = await lifecycle.start(
    'store',
    () => SqliteStore.open(join(stateDir, 'causeway.db'), clock, { mayBeNew }),
    (opened) => opened.close(),
  );
  const key = await loadSealingKey(join(stateDir, 'sealing.key'), settings.sealingKey, { mayBeNew });
  const sealer = new Sealer(key);
  const keyring = await Keyring.open(store, sealer, clock);
  const tokens = await Tokens.load(store, clock);
  const index = await ResourceIndex.load(store);
  const hashes = new CredentialHashes(keyring);
  await hashes.prepare(passwordsIn(index.entriesOf('Consumer'), index, secretReader(index, sealer)));
  return { store, sealer, keyring, hashes, tokens, index, signatures: new SignatureIndex(index) };
}

async function startTickets(
  { settings, lifecycle, logger, clock }: ControlPlaneParts,
  keyring: Keyring,
): Promise<SessionTickets> {
  const rotationMs = settings.sessionTicketRotation;
  const tickets = new SessionTickets({ keyring, clock, logger, rotationMs });
  await lifecycle.start(
    'session tickets',
    () => tickets.start(),
    () => tickets.stop(),
  );
  return tickets;
}

async function startKeyUses(
  { lifecycle, clock, logger }: ControlPlaneParts,
  { store, index }: { store: Store; index: ResourceIndex },
  uses: KeyUses,
): Promise<void> {
  const keys = Array.from(index.entriesOf('Consumer')).flatMap(({ resource }) => resource.serverKeys ?? []);
  const hashes = new Set(keys.map(({ hash }) => hash));
  await lifecycle.start(
    'last use of keys',
    () => uses.start(store, hashes, clock, logger),
    () => uses.stop(store, logger),
  );
}

/** Fail closed: without TLS neither the admin API nor the stream, which carries private keys, leaves this machine. */
function refuseOpenAddresses(settings: ControlPlaneSettings): void {
  for (const [flag, address] of [
    ['--admin-addr', settings.adminAddress],
    ['--stream-addr', settings.streamAddress],
  ] as const) {
    if (isLoopback(address.host)) continue;
    throw new GatewayError({
      code: 'not_loopback',
      message: `${flag} ${formatListenAddress(address)} can be reached from other machines, and this version has no TLS for it: choose a loopback address, such as 127.0.0.1:${address.port}.`,
      httpStatus: 500,
      grpcStatus: 9,
    });
  }
}

/** A full disk is no reason to send readers elsewhere; a store that cannot be read is. */
function readiness(writePath: WritePath): HealthChecks {
  const checks = new HealthChecks();
  checks.set('store', () =>
    writePath.storageFault === 'unreadable' ? 'the database is damaged' : undefined,
  );
  return checks;
}

async function ensureTokens(dataDir: string, tokens: Tokens, logger: Logger): Promise<void> {
  // The admin token last: where it stands, everything else has been made.
  for (const role of ['node', 'admin'] as const) {
    const file = tokenFile(dataDir, role);
    if (await tokens.ensureFile(role, role, file)) logger.info({ file }, `new ${role} token written`);
  }
}

function tokenFile(dataDir: string, role: TokenRole): string {
  return join(dataDir, `${role}.token`);
}

async function startStream(
  server: StreamServer,
  address: ListenAddress,
  lifecycle: Lifecycle,
  logger: Logger,
): Promise<ListenAddress> {
  const port = await lifecycle.start(
    'config stream',
    () => listenExplained(server.listen(address), address, '--stream-addr'),
    () => server.close(),
  );
  logListening(logger, 'stream', { address: address.host, port });
  return { host: address.host, port };
}

/** The last step: who sees the admin API listening finds everything else in place, the context file too. */
async function startAdmin(
  settings: ControlPlaneSettings,
  context: ApiContext,
  ownAddresses: ListenAddress[],
  lifecycle: Lifecycle,
): Promise<void> {
  const address = settings.adminAddress;
  const server = new AdminServer(
    adminApp(context, { allowedHosts: settings.adminHosts, openStatus: isLoopback(address.host) }),
  );
  const bound = await lifecycle.start(
    'admin API',
    () => listenExplained(server.listen(address), address, '--admin-addr'),
    () => server.close(),
  );
  const reached = { host: address.host, port: bound.port };
  ownAddresses.push(reached);
  await writeContextFile(settings.dataDir, reached);
  logListening(context.logger, 'admin', bound);
}

/** A gwctl context beside the token, so that `GWCTL_CONFIG=<data-dir>/gwctl.yaml` is all that a user needs. */
async function writeContextFile(dataDir: string, admin: ListenAddress): Promise<void> {
  const file = {
    currentContext: 'local',
    contexts: [{ name: 'local', server: `http://${formatListenAddress(admin)}`, tokenFile: 'admin.token' }],
  };
  await writeFileAtomic(join(dataDir, 'gwctl.yaml'), stringify(file), 0o600);
}
