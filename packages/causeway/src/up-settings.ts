/** The settings of `causeway up`: its own, and all those of the planes that it starts. */

import { join } from 'node:path';

import { controlPlaneSettings } from '@causeway/control-plane/settings';
import { dataPlaneSettings } from '@causeway/data-plane/settings';
import { formatListenAddress, type ListenAddress } from '@causeway/runtime/listen-address';
import type { SettingDeclarations } from '@causeway/runtime/setting-kinds';
import { selectArguments } from '@causeway/runtime/setting-sources';
import { declareSettings, type SettingValues } from '@causeway/runtime/settings';

/** What `up` decides itself. The first five are settings of the planes too; here they have other defaults. */
const ownSettings = declareSettings({
  dataDir: {
    flag: '--data-dir',
    kind: 'path',
    default: './.causeway',
    help: 'Directory of all state, of the control plane and the node.',
  },
  logLevel: {
    flag: '--log-level',
    kind: 'choice',
    choices: ['debug', 'info', 'warn', 'error'],
    default: 'warn',
    help: 'Lowest level of log lines shown on stderr.',
  },
  nodeId: { flag: '--node-id', kind: 'string', default: 'local', help: 'Name of the node.' },
  gateway: {
    flag: '--gateway',
    kind: 'string',
    default: 'default',
    help: 'Name of the Gateway whose listeners the node opens.',
  },
  nodeTokenFile: {
    flag: '--node-token-file',
    kind: 'path',
    help: 'File with the credential of the node; by default the one that the control plane writes.',
  },
  demo: {
    flag: '--demo',
    kind: 'boolean',
    help: 'Start demo upstreams, and apply an example when there is neither a Route nor a Service.',
  },
  demoAddresses: {
    flag: '--demo-addrs',
    kind: 'address',
    repeatable: true,
    default: '127.0.0.1:9001,127.0.0.1:9002',
    help: 'Addresses of the demo upstreams.',
  },
});

export type OwnSettings = SettingValues<typeof ownSettings>;

/** The node is told by `up` where the control plane really listens. */
const decidedByUp = ['--control-plane'];

/** What the planes take and `up` only hands on. */
const handedOn: SettingDeclarations = Object.fromEntries(
  [...Object.entries(controlPlaneSettings), ...Object.entries(dataPlaneSettings)]
    .filter(([, { flag }]) => !decidedByUp.includes(flag) && !isOwn(flag))
    // Two settings of one flag, declared by both planes, are one for the user; the flag is the key that joins them.
    .map(([, setting]) => [setting.flag, setting]),
);

/** Everything that `up` accepts. */
export const upSettings = { ...handedOn, ...ownSettings };

/** What to start the control plane with: its command, what `up` decides, and the words of `argv` that concern it. */
export function controlPlaneCommand(settings: OwnSettings, argv: readonly string[]): string[] {
  return command('control-plane', controlPlaneSettings, argv, {
    '--data-dir': settings.dataDir,
    '--log-level': childLogLevel(settings),
  });
}

/** The same for the node, which joins the control plane whose config stream listens at `stream`. */
export function nodeCommand(settings: OwnSettings, argv: readonly string[], stream: ListenAddress): string[] {
  return command('data-plane', dataPlaneSettings, argv, {
    '--data-dir': settings.dataDir,
    '--control-plane': formatListenAddress(stream),
    '--node-id': settings.nodeId,
    '--gateway': settings.gateway,
    '--node-token-file': settings.nodeTokenFile ?? join(settings.dataDir, 'node.token'),
    '--log-level': childLogLevel(settings),
  });
}

function command(
  name: string,
  declarations: SettingDeclarations,
  argv: readonly string[],
  decided: Readonly<Record<string, string>>,
): string[] {
  const theirs = Object.entries(declarations).filter(([, { flag }]) => !isOwn(flag));
  const flags = Object.entries(decided).flat();
  return [name, ...flags, ...selectArguments(Object.fromEntries(theirs), argv)];
}

/** Below `info` a child would not tell its ports. */
function childLogLevel({ logLevel }: OwnSettings): string {
  return logLevel === 'debug' ? 'debug' : 'info';
}

function isOwn(flag: string): boolean {
  return Object.values(ownSettings).some((setting) => setting.flag === flag);
}
