/** Everything on one machine: a control plane and a node as child processes, and demo upstreams on request. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type AdminClient, createAdminClient } from '@causeway/admin-client/client';
import { runProcess, type Lifecycle } from '@causeway/runtime/lifecycle';
import { formatListenAddress, type ListenAddress } from '@causeway/runtime/listen-address';
import { parseRecord } from '@causeway/runtime/log-line';
import { createLogger, type Logger } from '@causeway/runtime/logger';
import { settingsOrExit } from '@causeway/runtime/settings-or-exit';

import { renderBanner } from './banner.ts';
import { applyDemoConfiguration } from './demo-configuration.ts';
import { startDemoUpstream } from './demo-upstream.ts';
import { refusedConfiguration } from './refused-configuration.ts';
import { SupervisedChild } from './supervised-child.ts';
import { controlPlaneCommand, nodeCommand, upSettings, type OwnSettings } from './up-settings.ts';
import { version } from './version.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The words that start `causeway` before its command: a program, and what it runs. */
export type Executable = readonly [string, ...string[]];

/** Longest time for a child to open its ports: a cold start on a slow disk, with a large store, takes seconds. */
const startDeadlineMs = 60_000;

/** Longer than a node drains (5 s of notice and 30 s of waiting, by default) and a control plane stops together. */
const stopDeadlineMs = 60_000;

/**
 * Runs until it is stopped, a child is lost, or a start fails; see `runProcess` for the exit codes. Prints where things
 * are to stdout once all of it works; problems go to stderr.
 */
export async function runUp(
  argv: readonly string[],
  env: Environment,
  executable: Executable = thisExecutable(),
): Promise<void> {
  const settings: OwnSettings = settingsOrExit({
    command: 'causeway up',
    summary: 'Runs a control plane and one node on this machine, and demo upstreams on request.',
    declarations: upSettings,
    argv,
    env,
  });
  runProcess({ logger: plainLogger(), stopDeadlineMs, stopOnHangup: true }, (lifecycle) =>
    startAll({ lifecycle, settings, argv, env, executable }),
  );
}

interface Up {
  readonly lifecycle: Lifecycle;
  readonly settings: OwnSettings;
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly executable: Executable;
}

async function startAll(up: Up): Promise<void> {
  const { settings, argv } = up;
  const { dataDir, gateway } = settings;
  const upstreams = await startUpstreams(up);
  const controlPlane = { name: 'control plane', words: controlPlaneCommand(settings, argv) };
  const { admin, stream } = await startChild(up, controlPlane, ['admin', 'stream']);
  const client = await adminClient(settings, admin);
  if (upstreams.length > 0) await applyDemoConfiguration(client, upstreams);
  const node = { name: 'node', words: nodeCommand(settings, argv, stream) };
  const asking = new AbortController();
  const refused = refusedConfiguration(client, settings.nodeId, asking.signal);
  const { status, http: traffic } = await Promise.race([startChild(up, node, ['status', 'http']), refused]);
  asking.abort();
  await client.close();
  process.stdout.write(renderBanner({ version, dataDir, gateway, admin, traffic, status, upstreams }));
}

async function startUpstreams({ lifecycle, settings }: Up): Promise<readonly ListenAddress[]> {
  const { demo, demoAddresses } = settings;
  const started: ListenAddress[] = [];
  for (const [index, address] of demo ? demoAddresses.entries() : []) {
    const name = `demo-${index + 1}`;
    const upstream = await lifecycle.start(
      name,
      () => startDemoUpstream(name, address, '--demo-addrs'),
      (running) => running.close(),
    );
    started.push(upstream.address);
  }
  return started;
}

/** Starts a plane with the executable that is running now, and waits until these listeners are open. */
async function startChild<const N extends string>(
  { lifecycle, settings, env, executable }: Up,
  { name, words }: { readonly name: string; readonly words: readonly string[] },
  listeners: readonly N[],
): Promise<Readonly<Record<N, ListenAddress>>> {
  const logs = {
    level: settings.logLevel,
    plain: process.stderr.isTTY,
    write: (text: string) => process.stderr.write(text),
  };
  const child = await lifecycle.start(
    name,
    () => new SupervisedChild({ name, command: [...executable, ...words], env, logs }),
    (running) => running.stop(),
  );
  const addresses = await child.listening(listeners, startDeadlineMs);
  void watch(child, lifecycle);
  return addresses;
}

async function watch(child: SupervisedChild, lifecycle: Lifecycle): Promise<void> {
  const end = await child.ended;
  if (!child.stopAsked) lifecycle.fail('a child was lost', child.lost(end));
}

async function adminClient({ dataDir }: OwnSettings, admin: ListenAddress): Promise<AdminClient> {
  const token = await readFile(join(dataDir, 'admin.token'), 'utf8');
  return createAdminClient({ server: `http://${formatListenAddress(admin)}`, token: token.trim() });
}

/** This process talks to a person at a terminal, or to whoever reads the end of a script's output: sentences will do. */
function plainLogger(): Logger {
  return createLogger({
    level: 'warn',
    write: (line) => {
      const { msg, err } = parseRecord(line) ?? {};
      const stack = typeof err === 'object' && err !== null && 'stack' in err ? `\n${String(err.stack)}` : '';
      process.stderr.write(`causeway up: ${String(msg)}${stack}\n`);
    },
  });
}

function thisExecutable(): Executable {
  const [, script] = process.argv;
  return [process.execPath, ...process.execArgv, ...(script === undefined ? [] : [script])];
}
