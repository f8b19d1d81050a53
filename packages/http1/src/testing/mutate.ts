/** Spoils bytes as a smuggler would: mostly at the places where parsers differ. */

const snippets = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\n\n',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '\0',
  '\x0b',
  '\x0c',
  '\x7f',
  '\x80',
  '\xa0',
  '0',
  '1',
  '5',
  'a',
  '-',
  '+',
  '"',
  '\\',
  '0\r\n\r\n',
  '5\r\nhello\r\n',
  '\r\n x',
  ';a=b',
  ';a="b"',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'content-length:\t3\r\n',
  'Content-Length: 3, 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'transfer-encoding:chunked \r\n',
  'Connection: close\r\n',
  'Connection: Upgrade\r\nUpgrade: x\r\n',
  'Host: a\r\n',
  'Expect: 100-continue\r\n',
  'HTTP/1.0',
  'HTTP/1.1',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'HTTP/1.1 200 OK\r\n',
  '100',
  '204',
  '304',
];

/** One change of `text`, made of two random numbers below 2 ** 32. */
export function mutate(text: string, kind: number, place: number): string {
  const at = text.length === 0 ? 0 : place % (text.length + 1);
  const snippet = snippets[(kind >>> 3) % snippets.length]!;
  const other = (place >>> 16) % (text.length + 1);
  switch (kind % 8) {
    case 0:
      return text.slice(0, at) + String.fromCharCode((kind >>> 3) % 256) + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + text.slice(at + 1);
    case 2:
    case 3:
      return text.slice(0, at) + snippet + text.slice(at);
    case 4:
      return text.slice(0, at) + snippet + text.slice(at + snippet.length);
    case 5:
      return text.slice(0, at) + text.slice(Math.min(at, other), Math.max(at, other)) + text.slice(at);
    case 6:
      return insertLine(text, place, snippet);
    default:
      return text.slice(0, Math.min(at, other)) + text.slice(Math.max(at, other));
  }
}

function insertLine(text: string, place: number, line: string): string {
  const lines = text.split('\r\n');
  const index = place % lines.length;
  return [...lines.slice(0, index), line.replace(/\r\n$/, ''), ...lines.slice(index)].join('\r\n');
}
