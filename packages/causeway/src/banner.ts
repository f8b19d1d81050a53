/** What `causeway up` prints when everything runs: where things are, and what to try. */

import { isAbsolute, normalize } from 'node:path';

import { formatListenAddress, type ListenAddress } from '@causeway/runtime/listen-address';

export interface Banner {
  readonly version: string;
  /** As the user gave it, so relative to the working directory when it is. */
  readonly dataDir: string;
  readonly gateway: string;
  readonly admin: ListenAddress;
  readonly traffic: ListenAddress;
  readonly status: ListenAddress;
  /** Empty without demo upstreams. */
  readonly upstreams: readonly ListenAddress[];
}

/** Where gwctl looks by itself. */
const foundByGwctl = '.causeway';

export function renderBanner(banner: Banner): string {
  const { version, dataDir, upstreams } = banner;
  const state = isAbsolute(dataDir) ? dataDir : `./${normalize(dataDir)}`;
  const demo =
    upstreams.length === 0 ? '' : `, ${upstreams.length} demo upstream${upstreams.length === 1 ? '' : 's'}`;
  return [
    `Causeway ${version}: control plane, 1 node${demo}; state in ${state}`,
    '',
    ...places(banner),
    '',
    'Try:',
    ...thingsToTry(banner).map((line) => `  ${line}`),
    'Ctrl-C stops everything.',
    '',
  ].join('\n');
}

function places({ dataDir, gateway, admin, traffic, status, upstreams }: Banner): string[] {
  const lines = [
    `  admin API   ${url(admin)}   token in ${normalize(dataDir)}/admin.token`,
    `  traffic     ${url(traffic)}   gateway/${gateway}`,
    `  status      ${url(status)}`,
  ];
  if (upstreams.length > 0) lines.push(`  upstreams   ${upstreams.map(formatListenAddress).join(' ')}`);
  return lines;
}

function thingsToTry({ dataDir, traffic, upstreams }: Banner): string[] {
  const directory = normalize(dataDir);
  const path = `${isAbsolute(directory) ? '' : '$PWD/'}${directory}/gwctl.yaml`;
  const note = directory === foundByGwctl ? '      # npx gwctl finds it by itself in this directory' : '';
  const exportLine = `export GWCTL_CONFIG=${quoted(path)}${note}`;
  if (upstreams.length === 0) return [exportLine, 'npx gwctl get nodes', 'npx gwctl apply -f FILE'];
  return [
    exportLine,
    `curl -i ${url(traffic)}/hello`,
    'npx gwctl get routes',
    `npx gwctl route explain GET ${url(traffic)}/hello`,
  ];
}

/** In double quotes when the shell would split or change it, the leading `$PWD` staying what it is. */
function quoted(path: string): string {
  return /^(\$PWD)?[\w./@:+-]+$/.test(path) ? path : `"${path.replaceAll(/(?!^)[$]|["\\`]/g, '\\$&')}"`;
}

/** An address that every interface answers on is reached by loopback from here. */
function url({ host, port }: ListenAddress): string {
  const reachable = new Map([
    ['0.0.0.0', '127.0.0.1'],
    ['::', '::1'],
  ]);
  return `http://${formatListenAddress({ host: reachable.get(host) ?? host, port })}`;
}
