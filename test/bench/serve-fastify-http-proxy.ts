// @fastify/http-proxy as a process of its own: PORT UPSTREAM_PORT. Its log goes to stdout.

import fastifyHttpProxy from '@fastify/http-proxy';
import fastify from 'fastify';

const [port, upstreamPort] = process.argv.slice(2).map(Number);

const server = fastify({ logger: true, bodyLimit: 2 ** 30 });
await server.register(fastifyHttpProxy, {
  upstream: `http://127.0.0.1:${upstreamPort}`,
  undici: { connections: 64 },
});
await server.listen({ port: port ?? 0, host: '127.0.0.1' });
