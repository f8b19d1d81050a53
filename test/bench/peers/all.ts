// Who is compared, ours first.

import { caddy } from './caddy.ts';
import { causeway, causewayH2c, causewayJson, causewayTwo } from './causeway.ts';
import { haproxy, haproxyH2c } from './haproxy.ts';
import { nginx, nginxBuffered } from './nginx.ts';
import { fastifyHttpProxy, httpProxy3 } from './npm-proxies.ts';
import type { Peer } from './peer.ts';

const peers: readonly Peer[] = [
  causeway,
  causewayJson,
  causewayTwo,
  causewayH2c,
  nginx,
  nginxBuffered,
  haproxy,
  haproxyH2c,
  caddy,
  httpProxy3,
  fastifyHttpProxy,
];

/** Those named, or all that are installed. Throws for a name that is none. */
export function choosePeers(only: readonly string[] | undefined): Peer[] {
  const unknown = only?.find((name) => !peers.some((peer) => peer.name === name));
  if (unknown !== undefined) {
    throw new Error(`no proxy "${unknown}"; there are ${peers.map(({ name }) => name).join(', ')}`);
  }
  return peers.filter((peer) => only?.includes(peer.name) ?? peer.version() !== undefined);
}

export function nameAndVersion(peer: Peer): string {
  return `${peer.name} ${peer.version()}`;
}
