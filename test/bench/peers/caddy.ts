import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startChild } from '../../kit/child.ts';
import { findProgram, versionOf } from '../machine.ts';
import { freePort, type Peer, untilServing } from './peer.ts';

export const caddy: Peer = {
  name: 'caddy',
  logs: true,
  version() {
    const program = findProgram('caddy');
    return program === undefined ? undefined : versionOf(program, 'version');
  },
  async start({ owner, directory, upstreamPort }) {
    const port = await freePort();
    const file = join(directory, 'Caddyfile');
    await writeFile(
      file,
      `
{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  log {
    output file ${join(directory, 'access.log')} {
      roll_disabled
    }
    format json
  }
  reverse_proxy 127.0.0.1:${upstreamPort} {
    transport http {
      keepalive_idle_conns_per_host 64
    }
  }
}
`,
    );
    const child = startChild(owner, {
      name: 'caddy',
      command: findProgram('caddy') ?? 'caddy',
      args: ['run', '--config', file, '--adapter', 'caddyfile'],
      // One worker, as for the others: one processor runs Go code at a time.
      env: { GOMAXPROCS: '1', XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory },
    });
    return untilServing(child, port);
  },
};
