// An issuer of tokens as nodes see it: its metadata and its keys over HTTP, which are counted.

import { createServer } from 'node:http';
import { type TestIssuer, testIssuer } from '@causeway/filters/testing/tokens';
import type { Owner } from '../owner.ts';
import { listen } from './listen.ts';

export interface Issuer {
  readonly url: string;
  readonly port: number;
  /** How often its keys were asked for. */
  readonly fetches: number;
  sign: TestIssuer['sign'];
  /** It has a new key, and none of before. */
  rotate(kid: string): Promise<void>;
}

export async function startIssuer(owner: Owner): Promise<Issuer> {
  let fetches = 0;
  let current: TestIssuer | undefined;
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url === '/.well-known/openid-configuration')
      return response.end(JSON.stringify({ issuer: url, jwks_uri: `${url}/keys` }));
    if (request.url !== '/keys') return response.writeHead(404).end();
    fetches += 1;
    return response.end(current!.jwks);
  });
  const port = await listen(owner, server);
  const url = `http://127.0.0.1:${port}`;
  current = await testIssuer(url);
  return {
    url,
    port,
    get fetches() {
      return fetches;
    },
    sign: (claims, header) => current!.sign(claims, header),
    rotate: async (kid) => {
      current = await testIssuer(url, 'ES256', kid);
    },
  };
}
