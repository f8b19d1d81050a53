/** Heads as they are on the wire of an API gateway. */

export const smallRequest =
  'GET /api/v1/items/42 HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: wrk/4.2\r\nAccept: */*\r\n\r\n';

export const browserRequest = [
  'GET /search?q=gateway&page=2 HTTP/1.1',
  'Host: www.example.com',
  'Connection: keep-alive',
  'sec-ch-ua: "Chromium";v="142", "Not_A Brand";v="99"',
  'sec-ch-ua-mobile: ?0',
  'sec-ch-ua-platform: "Linux"',
  'Upgrade-Insecure-Requests: 1',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Sec-Fetch-Site: same-origin',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Dest: document',
  'Referer: https://www.example.com/search?q=gateway',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9',
  'Cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; _ga=GA1.2.1234567890.1700000000',
  '',
  '',
].join('\r\n');

export const jsonResponse = [
  'HTTP/1.1 200 OK',
  'Date: Mon, 02 Nov 2026 10:00:00 GMT',
  'Content-Type: application/json; charset=utf-8',
  'Content-Length: 15',
  'ETag: W/"f-a1b2c3"',
  'Cache-Control: no-store',
  'Vary: Accept-Encoding',
  'Connection: keep-alive',
  'Keep-Alive: timeout=5',
  '',
  '',
].join('\r\n');

export const jsonBody = '{"status":"ok"}';
