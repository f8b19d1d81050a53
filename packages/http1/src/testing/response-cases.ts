/** Responses as bytes: attacks and oddities, and what they are to become. */

import type { ByteCase } from './request-cases.ts';

export interface ResponseCase extends ByteCase {
  /** GET, where it is not said. */
  readonly method?: string;
  readonly asksUpgrade?: boolean;
  /** What belongs to no message. */
  readonly leftover?: string;
}

const ok = (fields: string, body = ''): string => `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`;
const hello = 'Content-Length: 5\r\n\r\nhello';
const okHello = `HTTP/1.1 200 OK\r\n${hello}`;
const early = 'HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n';
const switching = 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';

const malformed = (cases: Readonly<Record<string, string>>): ResponseCase[] =>
  Object.entries(cases).map(([name, bytes]) => ({ name, bytes, fault: 'malformed' }));

const taken: ResponseCase[] = [
  { name: 'a body', bytes: okHello, read: ['200'] },
  { name: 'no reason', bytes: `HTTP/1.1 200 \r\n${hello}`, read: ['200'] },
  { name: 'no reason and no blank', bytes: `HTTP/1.1 200\r\n${hello}`, read: ['200'] },
  { name: 'reason with obs-text', bytes: `HTTP/1.1 200 \xc3\xa9 \t\r\n${hello}`, read: ['200'] },
  { name: 'HTTP/1.0 until close', bytes: 'HTTP/1.0 200 OK\r\n\r\nhello', read: ['200'] },
  { name: 'until close', bytes: ok('', 'hello'), read: ['200'] },
  { name: 'until close, empty', bytes: ok(''), read: ['200'] },
  {
    name: 'chunks',
    bytes: ok('Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\nA: b\r\n\r\n'),
    read: ['200'],
  },
  { name: 'early hints', bytes: early + okHello, read: ['103', '200'] },
  { name: 'two 100', bytes: 'HTTP/1.1 100 C\r\n\r\n'.repeat(2) + okHello, read: ['100', '100', '200'] },
  { name: '204', bytes: 'HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n', read: ['204'] },
  { name: '304 with a length', bytes: 'HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n', read: ['304'] },
  {
    name: '304 with a coding',
    bytes: 'HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n',
    read: ['304'],
  },
  { name: 'HEAD with a length', bytes: ok('Content-Length: 9\r\n'), method: 'HEAD', read: ['200'] },
  { name: 'HEAD without', bytes: ok(''), method: 'HEAD', read: ['200'] },
  { name: 'unasked second response', bytes: okHello + okHello, read: ['200'], leftover: okHello },
  {
    name: 'body of HEAD',
    bytes: ok('Content-Length: 2\r\n', 'ok'),
    method: 'HEAD',
    read: ['200'],
    leftover: 'ok',
  },
  { name: 'body of 304', bytes: 'HTTP/1.1 304 No\r\n\r\npoison', read: ['304'], leftover: 'poison' },
  { name: 'body of 204', bytes: 'HTTP/1.1 204 No\r\n\r\npoison', read: ['204'], leftover: 'poison' },
  {
    name: '101 that was asked for',
    bytes: `${switching}bytes`,
    asksUpgrade: true,
    read: ['101'],
    leftover: 'bytes',
  },
];

const refused: ResponseCase[] = [
  ...malformed({
    'not HTTP': 'SSH-2.0-OpenSSH_9.2\r\n',
    'bytes before': `\r\n${okHello}`,
    'version with a letter': 'HTTP/1.x 200 OK\r\n\r\n',
    'no status': 'HTTP/1.1\r\n\r\n',
    'status 99': 'HTTP/1.1 99 Low\r\n\r\n',
    'status 099': 'HTTP/1.1 099 Low\r\n\r\n',
    'status 600': 'HTTP/1.1 600 High\r\n\r\n',
    'status of four digits': 'HTTP/1.1 2000 OK\r\n\r\n',
    'status with a letter': 'HTTP/1.1 20x OK\r\n\r\n',
    'two blanks before the status': 'HTTP/1.1  200 OK\r\n\r\n',
    'CR in the reason': `HTTP/1.1 200 O\rK\r\n${hello}`,
    'NUL in the reason': `HTTP/1.1 200 O\0K\r\n${hello}`,
    'status line ends in LF': `HTTP/1.1 200 OK\n${hello}`,
    'length and chunked': ok('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    'length twice': ok('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'),
    'length with junk': ok('Content-Length: 5x\r\n', 'hello'),
    'negative length': ok('Content-Length: -1\r\n', 'hello'),
    'chunked in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'chunked twice': ok('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n'),
    'NUL in a value': ok('X: a\0b\r\n'),
    'CR in a value': ok('X: a\rSet-Cookie: evil=1\r\n'),
    'no colon': ok('broken\r\n'),
    'blank in a name': ok('Bad Name: 1\r\n'),
    'blank before the colon': ok('Name : 1\r\n'),
    'folded line': ok('A: b\r\n c\r\n'),
    'bad chunk': ok('Transfer-Encoding: chunked\r\n', '5\r\nhello\r\nZZ\r\nx\r\n0\r\n\r\n'),
    '204 with a length': 'HTTP/1.1 204 No\r\nContent-Length: 6\r\n\r\npoison',
    '204 with a coding': 'HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    '100 with a length': `HTTP/1.1 100 C\r\n${hello}`,
    '101 that nobody asked for': switching,
    'too many early hints': early.repeat(17) + okHello,
  }),
  { name: '101 in HTTP/1.0', bytes: switching.replace('1.1', '1.0'), asksUpgrade: true, fault: 'malformed' },
  { name: 'HTTP/2.0', bytes: 'HTTP/2.0 200 OK\r\n\r\n', fault: 'version_not_supported' },
  { name: 'gzip', bytes: ok('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'), fault: 'not_implemented' },
  { name: 'long field', bytes: ok(`X: ${'a'.repeat(65_536)}\r\n`), fault: 'head_too_large' },
  { name: 'nothing', bytes: '', fault: 'incomplete' },
  { name: 'half a head', bytes: 'HTTP/1.1 200 OK\r\nContent-Le', fault: 'incomplete' },
  { name: 'only early hints', bytes: early, fault: 'incomplete' },
  { name: 'half a body', bytes: ok('Content-Length: 6\r\n', 'hello'), fault: 'incomplete' },
  {
    name: 'half a chunk',
    bytes: ok('Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n5\r\nwo'),
    fault: 'incomplete',
  },
];

export const responseCases: readonly ResponseCase[] = [...taken, ...refused];
