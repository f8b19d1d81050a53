// A responder of OCSP whose answers are made by OpenSSL.

import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestAuthority } from '@causeway/runtime/testing/test-authority';
import type { Owner } from '../owner.ts';
import { tempDir } from '../temp-dir.ts';
import { listen } from './listen.ts';

const run = promisify(execFile);

export interface OcspResponder {
  readonly url: string;
  /** Questions that were answered. */
  readonly questions: number;
  /** `away`: connections are reset; `silent`: nothing is answered, until another mode ends the connections. */
  setMode(mode: 'answering' | 'away' | 'silent'): void;
  /** Knows the certificate of this serial number, in hex, from now on. */
  add(serialNumber: string): void;
}

/** Listens for the certificates of `authority`, with a certificate of its own; its answers are valid for an hour. */
export async function startOcspResponder(owner: Owner, authority: TestAuthority): Promise<OcspResponder> {
  const directory = await tempDir(owner);
  const path = (name: string): string => join(directory, name);
  const signer = await authority.issue({ names: ['OCSP responder'], signsOcsp: true });
  await writeFile(path('ca.pem'), authority.certificate);
  await writeFile(path('signer.pem'), signer.certificate);
  await writeFile(path('signer.key'), signer.key);
  const known: string[] = [];
  let questions = 0;

  async function answerTo(question: Buffer): Promise<Buffer> {
    questions += 1;
    const [request, response, index] = ['request', 'response', 'index'].map((name) =>
      path(`${name}-${questions}`),
    );
    const lines = known.map((serial) => `V\t391231000000Z\t\t${serial}\tunknown\t/CN=${serial}\n`);
    await writeFile(request!, question);
    await writeFile(index!, lines.join(''));
    const signs = ['-rsigner', path('signer.pem'), '-rkey', path('signer.key')];
    const files = ['-index', index!, '-CA', path('ca.pem'), '-reqin', request!, '-respout', response!];
    await run('openssl', ['ocsp', ...files, ...signs, '-nmin', '60']);
    return readFile(response!);
  }

  let mode: Parameters<OcspResponder['setMode']>[0] = 'answering';
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (mode === 'away') request.socket.resetAndDestroy();
    if (mode !== 'answering') return;
    const answer = await answerTo(await buffer(request));
    response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(answer);
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  const port = await listen(owner, server);
  return {
    url: `http://127.0.0.1:${port}/ocsp`,
    get questions() {
      return questions;
    },
    setMode(next) {
      mode = next;
      server.closeAllConnections();
    },
    add: (serialNumber) => void known.push(serialNumber),
  };
}
