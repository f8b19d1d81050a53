// http-proxy-3 as a process of its own: PORT UPSTREAM_PORT.

import { Agent } from 'node:http';
import { createProxyServer } from 'http-proxy-3';

const [port, upstreamPort] = process.argv.slice(2).map(Number);

createProxyServer({
  target: `http://127.0.0.1:${upstreamPort}`,
  agent: new Agent({ keepAlive: true, maxSockets: 64 }),
  xfwd: true,
}).listen(port ?? 0, '127.0.0.1');
