import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '@causeway/runtime/clock';
import { lockDirectory, makePrivateDirectory, writeFileAtomic } from '@causeway/runtime/data-dir';
import { GatewayError } from '@causeway/runtime/errors';
import { HealthChecks } from '@causeway/runtime/health-checks';
import type { Lifecycle } from '@causeway/runtime/lifecycle';
import {
  explainListenError,
  formatListenAddress,
  isLoopback,
  type ListenAddress,
} from '@causeway/runtime/listen-address';
import { logListening } from '@causeway/runtime/listening-line';
import type { Logger } from '@causeway/runtime/logger';
import { createMetricsText } from '@causeway/runtime/metrics-text';
import { createStatusPages } from '@causeway/runtime/status-pages';
import { stringify } from 'yaml';
import { adminApp } from './api/app.ts';
import type { ApiContext } from './api/context.ts';
import { controlPlaneMetrics } from './metrics.ts';
import { CommandChannels } from './publish/command-channel.ts';
import { NodeRegistry } from './publish/node-registry.ts';
import { Publisher } from './publish/publisher.ts';
import { StreamServer } from './publish/stream-server.ts';
import type { ControlPlaneSettings } from './settings.ts';
import { Keyring } from './store/keyring.ts';
import { ResourceIndex } from './store/resource-index.ts';
import { loadSealingKey, Sealer } from './store/sealer.ts';
import { SqliteStore } from './store/sqlite-store.ts';
import { Tokens } from './tokens.ts';
import { SignatureIndex } from './validate/signature-index.ts';
import { version } from './version.ts';
import { WritePath } from './write-path.ts';

export interface ControlPlaneParts {
  settings: ControlPlaneSettings;
  lifecycle: Lifecycle;
  logger: Logger;
  clock: Clock;
}

/** A slow or silent client of the admin API is cut after this. */
const requestTimeoutMs = 60_000;

/** Starts everything in order: directory and lock, store, index, publisher, config stream, admin API. */
export async function startControlPlane({
  settings,
  lifecycle,
  logger,
  clock,
}: ControlPlaneParts): Promise<void> {
  refuseOpenAddresses(settings);
  const stateDir = join(settings.dataDir, 'control-plane');
  makePrivateDirectory(settings.dataDir);
  makePrivateDirectory(stateDir);
  await lifecycle.start(
    'lock',
    () => lockDirectory(stateDir),
    (lock) => lock.release(),
  );
  const store = await lifecycle.start(
    'store',
    () => SqliteStore.open(join(stateDir, 'causeway.db'), clock),
    (opened) => opened.close(),
  );
  const sealer = new Sealer(await loadSealingKey(join(stateDir, 'sealing.key'), settings.sealingKey));
  const keyring = await Keyring.open(store, sealer, clock);
  const tokens = await Tokens.load(store, clock);
  const index = await ResourceIndex.load(store);
  const signatures = new SignatureIndex();
  signatures.apply(
    [...index.entriesOf('Route')].map((after) => ({ key: after.key, before: undefined, after })),
  );
  index.onRevision((_revision, _committedAt, changes) => signatures.apply(changes));
  const nodes = new NodeRegistry(clock, settings.nodeRetention);
  const publisher = new Publisher(index, nodes, logger);
  const commands = new CommandChannels(clock);
  const ownAddresses: string[] = [];
  const writePath = new WritePath({
    store,
    index,
    signatures,
    keyring,
    sealer,
    clock,
    ownAddresses: () => ownAddresses,
  });
  const statusPages = createStatusPages({
    version,
    readiness: readiness(index),
    metrics: createMetricsText(() => registry.collect()),
  });
  const registry = controlPlaneMetrics(index, nodes);
  const context: ApiContext = {
    store,
    index,
    signatures,
    keyring,
    nodes,
    commands,
    publisher,
    tokens,
    writePath,
    clock,
    logger,
    statusPages,
    version,
  };
  await ensureTokens(settings.dataDir, tokens, logger);
  const stream = await startStream(
    settings.streamAddress,
    { publisher, commands, tokens },
    lifecycle,
    logger,
  );
  const admin = await startAdmin(settings, context, lifecycle, logger);
  ownAddresses.push(formatListenAddress(stream), formatListenAddress(admin));
  await writeContextFile(settings.dataDir, admin);
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

function readiness(index: ResourceIndex): HealthChecks {
  const checks = new HealthChecks();
  checks.set('store', () => (index.revision >= 0 ? undefined : 'not read yet'));
  return checks;
}

async function ensureTokens(dataDir: string, tokens: Tokens, logger: Logger): Promise<void> {
  for (const role of ['admin', 'node'] as const) {
    const file = join(dataDir, `${role}.token`);
    if (await tokens.ensureFile(role, role, file)) logger.info({ file }, `new ${role} token written`);
  }
}

async function startStream(
  address: ListenAddress,
  parts: { publisher: Publisher; commands: CommandChannels; tokens: Tokens },
  lifecycle: Lifecycle,
  logger: Logger,
): Promise<ListenAddress> {
  const { publisher, commands, tokens } = parts;
  const server = new StreamServer({
    publisher,
    commands,
    authenticate: (credential) => tokens.authenticate('node', credential),
  });
  const port = await lifecycle.start(
    'config stream',
    () => explained(server.listen(address), address, '--stream-addr'),
    () => server.close(),
  );
  logListening(logger, 'stream', { address: address.host, port });
  return { host: address.host, port };
}

async function startAdmin(
  settings: ControlPlaneSettings,
  context: ApiContext,
  lifecycle: Lifecycle,
  logger: Logger,
): Promise<ListenAddress> {
  const address = settings.adminAddress;
  const server = createServer(
    { requestTimeout: requestTimeoutMs, headersTimeout: 10_000 },
    adminApp(context, { allowedHosts: settings.adminHosts, openStatus: isLoopback(address.host) }),
  );
  await lifecycle.start(
    'admin API',
    () => explained(listen(server, address), address, '--admin-addr'),
    () => close(server),
  );
  const bound = server.address() as AddressInfo;
  logListening(logger, 'admin', bound);
  return { host: address.host, port: bound.port };
}

function listen(server: Server, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Finishes requests under way, but not watches: they would hold the process until their clients go. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), closeGraceMs).unref();
  });
}

const closeGraceMs = 1000;

async function explained<T>(listening: Promise<T>, address: ListenAddress, flag: string): Promise<T> {
  try {
    return await listening;
  } catch (error) {
    const sentence = explainListenError(error, address, flag);
    if (sentence === undefined) throw error;
    throw new GatewayError({
      code: 'listen_failed',
      message: sentence,
      httpStatus: 500,
      grpcStatus: 9,
      cause: error,
    });
  }
}

/** A gwctl context beside the token, so that `GWCTL_CONFIG=<data-dir>/gwctl.yaml` is all that a user needs. */
async function writeContextFile(dataDir: string, admin: ListenAddress): Promise<void> {
  const file = {
    currentContext: 'local',
    contexts: [{ name: 'local', server: `http://${formatListenAddress(admin)}`, tokenFile: 'admin.token' }],
  };
  await writeFileAtomic(join(dataDir, 'gwctl.yaml'), stringify(file), 0o600);
}
