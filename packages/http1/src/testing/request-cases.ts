/** Requests as bytes: attacks and oddities, and what they are to become. */

import type { FaultCode } from '../fault.ts';

export interface ByteCase {
  readonly name: string;
  readonly bytes: string;
  /** The fault that ends the reading; without it everything is read. */
  readonly fault?: FaultCode;
  /** Targets or statuses of the messages that are read up to their end, in order. */
  readonly read?: readonly string[];
}

const get = (fields: string): string => `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const post = (fields: string, body: string): string => `POST /p HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;
const chunked = (body: string): string => post('Transfer-Encoding: chunked\r\n', body);
const line = (requestLine: string): string => `${requestLine}\r\nHost: a\r\n\r\n`;

function refused(fault: FaultCode, cases: Readonly<Record<string, string>>): ByteCase[] {
  return Object.entries(cases).map(([name, bytes]) => ({ name, bytes, fault }));
}

function taken(cases: Readonly<Record<string, readonly [bytes: string, ...read: string[]]>>): ByteCase[] {
  return Object.entries(cases).map(([name, [bytes, ...read]]) => ({ name, bytes, read }));
}

const lines: ByteCase[] = [
  ...taken({
    'origin-form': [line('GET /a?b=c HTTP/1.1'), '/a?b=c'],
    'HTTP/1.0 without Host': ['GET / HTTP/1.0\r\n\r\n', '/'],
    'absolute-form': [line('GET http://a/x HTTP/1.1'), 'http://a/x'],
    'absolute-form, default port in one place': [line('GET HTTP://A:80 HTTP/1.1'), 'HTTP://A:80'],
    'asterisk-form': [line('OPTIONS * HTTP/1.1'), '*'],
    'authority-form': [line('CONNECT a:443 HTTP/1.1'), 'a:443'],
    'unknown method': [line('BREW-2 / HTTP/1.1'), '/'],
    'some empty lines first': [`\r\n\r\n${line('GET / HTTP/1.1')}`, '/'],
    nothing: [''],
    'nothing but an empty line': ['\r\n'],
  }),
  ...refused('malformed', {
    'bare LF before': `\n${line('GET / HTTP/1.1')}`,
    'too many empty lines': `\r\n\r\n\r\n\r\n\r\n${line('GET / HTTP/1.1')}`,
    'bare CR before': `\r${line('GET / HTTP/1.1')}`,
    'blank before': ` ${line('GET / HTTP/1.1')}`,
    'HTTP/0.9': 'GET /\r\n',
    'HTTP/0.9 with empty line': 'GET /\r\n\r\n',
    'lower-case method': line('get / HTTP/1.1'),
    'empty method': line(' / HTTP/1.1'),
    'method with a bracket': line('GE[T / HTTP/1.1'),
    'two blanks after the method': line('GET  / HTTP/1.1'),
    'two blanks after the target': line('GET /  HTTP/1.1'),
    'HTAB for a blank': line('GET\t/ HTTP/1.1'),
    'blank in the target': line('GET /a b HTTP/1.1'),
    'NUL in the target': line('GET /\0a HTTP/1.1'),
    'DEL in the target': line('GET /\x7f HTTP/1.1'),
    'high byte in the target': line('GET /\xc3\xa9 HTTP/1.1'),
    fragment: line('GET /a#b HTTP/1.1'),
    'relative target': line('GET admin HTTP/1.1'),
    'asterisk-form of GET': line('GET * HTTP/1.1'),
    'authority-form of GET': line('GET a:80 HTTP/1.1'),
    'authority-form without port': line('CONNECT a HTTP/1.1'),
    'origin-form of CONNECT': line('CONNECT / HTTP/1.1'),
    'user information': line('GET http://u:p@a/ HTTP/1.1'),
    'foreign scheme': line('GET ftp://a/ HTTP/1.1'),
    'empty authority': line('GET http:///x HTTP/1.1'),
    'port that is none': line('GET http://a:99999/ HTTP/1.1'),
    'target and Host differ': line('GET http://b/ HTTP/1.1'),
    'target and Host differ in the port': line('GET https://a:80/ HTTP/1.1'),
    'version in lower case': line('GET / http/1.1'),
    'version with leading zero': line('GET / HTTP/01.1'),
    'version with junk': line('GET / HTTP/1.1x'),
    'version with a trailing blank': line('GET / HTTP/1.1 '),
    'version that overflows': line('GET / HTTP/4294967297.1'),
    'version with CRs': line('GET / HTTP/\r\r1.1'),
    'version with a comma': line('GET / HTTP/1,1'),
    'version of letters': line('GET / HTTP/d.d'),
    'version left out': line('GET / '),
    'request line ends in LF': 'GET / HTTP/1.1\nHost: a\r\n\r\n',
    'request line ends in CR': 'GET / HTTP/1.1\rHost: a\r\r',
    garbage: '\0\x01\x02\xff\xfe\xfd\r\n\r\n',
    'a TLS hello': '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03',
  }),
  ...refused('version_not_supported', {
    'HTTP/1.2': line('GET / HTTP/1.2'),
    'HTTP/2.0': line('GET / HTTP/2.0'),
    'HTTP/0.9 by name': line('GET / HTTP/0.9'),
    'HTTP/2 with prior knowledge': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  }),
];

const fields: ByteCase[] = [
  ...taken({
    'blanks around a value': [get('A: \t b c\t \r\nB:\r\nC: \r\n'), '/'],
    'obs-text': [get('A: \x85admin\xa0\r\n'), '/'],
    'all marks of a token': [get("!#$%&'*+-.^_`|~09: 1\r\n"), '/'],
    'names of object members': [get('__proto__: x\r\nconstructor: y\r\n'), '/'],
    'name longer than the table keeps': [get(`${'N'.repeat(100)}: 1\r\n`), '/'],
    'IPv6 Host': ['GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n', '/'],
    'Host with blanks around': ['GET / HTTP/1.1\r\nHost:\ta_b.c\t\r\n\r\n', '/'],
  }),
  ...refused('malformed', {
    'all lines end in LF': 'GET / HTTP/1.1\nHost: a\n\n',
    'field line ends in LF': 'GET / HTTP/1.1\r\nHost: a\n\r\n',
    'CR in a value': get('A: b\rc\r\n'),
    'CR CR LF': get('A: b\r\r\n'),
    'LF in a value': get('A: b\nc: d\r\n'),
    'NUL in a value': get('A: b\0\r\n'),
    'control byte in a value': get('A: \x01\r\n'),
    'DEL in a value': get('A: \x7f\r\n'),
    'folded line': get('A: b\r\n c\r\n'),
    'folded line with HTAB': get('A: b\r\n\tc\r\n'),
    'folded line at once': 'GET / HTTP/1.1\r\n A: b\r\nHost: a\r\n\r\n',
    'line of a blank': get('A: b\r\n \r\nB: c\r\n'),
    'blank before the colon': get('A : b\r\n'),
    'HTAB before the colon': get('A\t: b\r\n'),
    'empty name': get(': b\r\n'),
    'only a colon': get(':\r\n'),
    'no colon': get('Nothing\r\n'),
    'bracket in a name': get('A[b]: c\r\n'),
    'NUL in a name': get('A\0: c\r\n'),
    'high byte in a name': get('\xc4: c\r\n'),
    'head ends in CR and something': 'GET / HTTP/1.1\r\nHost: a\r\n\rZGET / HTTP/1.1\r\n\r\n',
    'head ends in LF': 'GET / HTTP/1.1\r\nHost: a\r\n\nGET / HTTP/1.1\r\n\r\n',
    'no Host': 'GET / HTTP/1.1\r\n\r\n',
    'Host twice': get('Host: b\r\n'),
    'the same Host twice': get('host: a\r\n'),
    'empty Host': 'GET / HTTP/1.1\r\nHost: \r\n\r\n',
    ...Object.fromEntries(
      'a/b a,b a@b a?b a#b a\\b g\xfc a%41 a:99999 a:80:80 a: a:b [::1 [name] [::1]x [1:2] a;b'
        .split(' ')
        .map((host) => [`Host ${host}`, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`]),
    ),
  }),
];

const framing: ByteCase[] = [
  ...taken({
    'a body': [post('Content-Length: 5\r\n', 'hello'), '/p'],
    'LF behind a body': [`${post('Content-Length: 5\r\n', 'hello')}\n${line('GET / HTTP/1.1')}`, '/p', '/'],
    'a body that looks like a request': [post('Content-Length: 18\r\n', 'GET /x HTTP/1.1\r\n\r'), '/p'],
    'length 0, then a request': [`${post('Content-Length: 0\r\n', '')}${get('')}`, '/p', '/'],
    'leading zeros are decimal': [post('Content-Length: 010\r\n', '0123456789'), '/p'],
    'body of GET': ['GET /g HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok', '/g'],
    chunks: [chunked('5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n'), '/p'],
    'chunked in mixed case': [post('Transfer-Encoding: ChunKed\r\n', '0\r\n\r\n'), '/p'],
    'chunk with leading zeros': [chunked('0000000000000005\r\nhello\r\n000\r\n\r\n'), '/p'],
    extensions: [chunked('5;a=b;c="d;\\"e"\r\nhello\r\n0;z\r\n\r\n'), '/p'],
    trailers: [chunked('1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n'), '/p'],
    'chunks, then a request': [`${chunked('0\r\n\r\n')}${get('')}`, '/p', '/'],
    'three requests at once': [get('').repeat(3), '/', '/', '/'],
    'nothing after close': [get('') + get('Connection: close\r\n') + get(''), '/', '/'],
    'underscore twins': [
      post('Content_Length: 9\r\nTransfer_Encoding: chunked\r\nContent-Length: 1\r\n', 'x'),
      '/p',
    ],
  }),
  ...refused('malformed', {
    'length twice, the same': post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'),
    'length twice, different': post('Content-Length: 5\r\ncontent-length: 6\r\n', 'hello'),
    'empty length, then a length': post('Content-Length: \r\nContent-Length: 5\r\n', 'hello'),
    ...Object.fromEntries(
      ['+5', '-5', '0o5', '0x5', '5_0', '5;', '5e0', '', '5abc', '\v5', '5 5', '5, 5', '5.0', ',5', '\xb2']
        .concat(['18446744073709551621', '9'.repeat(32), '9007199254740992', '0'.repeat(17)])
        .map((length) => [
          `length ${JSON.stringify(length)}`,
          post(`Content-Length: ${length}\r\n`, 'hello'),
        ]),
    ),
    'length and chunked': post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    'chunked and length': post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', '0\r\n\r\n'),
    'length and unknown coding': post('Transfer-Encoding: x\r\nContent-Length: 4\r\n', '0\r\n\r\n'),
    'chunked in HTTP/1.0': 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'chunked twice': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    'gzip line, chunked line': post('Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    ...Object.fromEntries(
      [
        'chunked, chunked',
        'chunked, gzip',
        ',chunked',
        'chunked,',
        '',
        'chunked;a=b',
        '"chunked"',
        'chun ked',
      ]
        .concat(['ch\xfcnked', '\xa0chunked', 'chunked\0', 'chunked\r', '\vchunked', 'chunked\x0c'])
        .map((coding) => [
          `coding ${JSON.stringify(coding)}`,
          post(`Transfer-Encoding: ${coding}\r\n`, '0\r\n\r\n'),
        ]),
    ),
    'coding split over lines': post('Transfer-\r\nEncoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n'),
    'coding with a blank before the colon': post('Transfer-Encoding : chunked\r\n', '0\r\n\r\n'),
    'length in a folded line': post('X: y\r\n Content-Length: 5\r\n', 'hello'),
  }),
  ...refused('not_implemented', {
    'gzip, chunked': post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'),
    identity: post('Transfer-Encoding: identity\r\n', ''),
    xchunked: post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'),
  }),
  ...refused('incomplete', {
    'half a head': 'GET / HTTP/1.1\r\nHost: a\r\n',
    'half a body': post('Content-Length: 10\r\n', 'hello'),
    'no last chunk': chunked('5\r\nhello\r\n'),
    'half a trailer section': chunked('0\r\nA: b\r\n'),
  }),
];

const chunkAttacks: ByteCase[] = refused('malformed', {
  ...Object.fromEntries(
    [
      '-1',
      '+5',
      '0x5',
      '5 ',
      ' 5',
      '5\t',
      'G',
      '',
      '10000000000000005',
      '20000000000000',
      '00000000000000005',
      '5.0',
    ]
      .concat([
        '5;',
        '5;a\0b',
        '5;a=',
        '5;a="b',
        '5;=b',
        '5; a',
        '5;a b',
        '5\r\r;a',
        '5;a="\\\n"',
        '5;a="b"c',
        '5,a',
      ])
      .map((size) => [`chunk size ${JSON.stringify(size)}`, chunked(`${size}\r\nhello\r\n0\r\n\r\n`)]),
  ),
  'no line end after the data': chunked('5\r\nhello0\r\n\r\n'),
  'data longer than said': chunked('5\r\nhello!!\r\n0\r\n\r\n'),
  'data shorter than said': chunked('7\r\nhello\r\n0\r\n\r\n'),
  'CR and something after the size': chunked('5\rXhello\r\n0\r\n\r\n'),
  'LF after the size': chunked('5\nhello\r\n0\r\n\r\n'),
  'LF after an extension': chunked('5;a\nhello\r\n0\r\n\r\n'),
  'LF after the data': chunked('5\r\nhello\n0\r\n\r\n'),
  'LF after the last size': chunked('5\r\nhello\r\n0\n\r\n'),
  'LF ends the body': chunked('0\r\n\n'),
  'CR and something ends the body': chunked('0\r\n\rX'),
  'trailer without colon': chunked('0\r\nA\r\n\r\n'),
  'trailer folded': chunked('0\r\nA: b\r\n c\r\n\r\n'),
  'trailer with a CR': chunked('0\r\nA: b\rc\r\n\r\n'),
  'length in a trailer': chunked('0\r\nContent-Length: 5\r\n\r\n'),
  'coding in a trailer': chunked('0\r\ntransfer-encoding: chunked\r\n\r\n'),
  'Connection in a trailer': chunked('0\r\nConnection: close\r\n\r\n'),
  'Host in a trailer': chunked('0\r\nA: b\r\nHost: b\r\n\r\n'),
  'long extension': chunked(`5;${'a'.repeat(5000)}\r\nhello\r\n0\r\n\r\n`),
  'many extensions': chunked(`${`1;${'a'.repeat(200)}\r\nx\r\n`.repeat(200)}0\r\n\r\n`),
});

export const requestCases: readonly ByteCase[] = [...lines, ...fields, ...framing, ...chunkAttacks];
