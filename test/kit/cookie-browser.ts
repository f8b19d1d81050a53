// A browser as far as logins need one: it keeps cookies by host and path, follows redirects, and says that it navigates.

import { request } from 'undici';

export interface Page {
  readonly url: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Cookie {
  readonly value: string;
  readonly path: string;
  readonly attributes: string;
}

const navigation = {
  accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
};

const redirectsMax = 10;

export class CookieBrowser {
  /** Origins of names that nobody resolves, by host. */
  readonly #hosts: Readonly<Record<string, string>>;
  /** By host, and by name. */
  readonly #cookies = new Map<string, Map<string, Cookie>>();
  /** Every page that it has seen, redirects among them. */
  readonly history: Page[] = [];

  constructor(hosts: Readonly<Record<string, string>>) {
    this.#hosts = hosts;
  }

  cookies(host: string): Map<string, Cookie> {
    let cookies = this.#cookies.get(host);
    if (cookies === undefined) this.#cookies.set(host, (cookies = new Map<string, Cookie>()));
    return cookies;
  }

  /** Another one with the same cookies, that asks other nodes. */
  clone(hosts: Readonly<Record<string, string>> = this.#hosts): CookieBrowser {
    const other = new CookieBrowser(hosts);
    for (const [host, cookies] of this.#cookies) other.#cookies.set(host, new Map(cookies));
    return other;
  }

  /** Goes to a page, and where it leads. */
  async navigate(url: string): Promise<Page> {
    let page = await this.ask(url, navigation);
    for (let redirects = 0; page.status === 302 || page.status === 303; redirects += 1) {
      if (redirects === redirectsMax) throw new Error(`too many redirects, the last one to ${page.url}`);
      page = await this.ask(new URL(String(page.headers['location']), page.url).href, navigation);
    }
    return page;
  }

  /** One request as a page of the same site makes it, unless the headers say otherwise. */
  async ask(
    url: string,
    headers: Record<string, string> = {},
    method: 'GET' | 'POST' | 'HEAD' = 'GET',
  ): Promise<Page> {
    const { host, pathname, search } = new URL(url);
    const sent = [...this.cookies(host)].filter(([, { path }]) => pathname.startsWith(path));
    const cookie = [headers['cookie'] ?? [], ...sent.map(([name, { value }]) => `${name}=${value}`)].flat();
    const answer = await request((this.#hosts[host] ?? new URL(url).origin) + pathname + search, {
      method,
      headers: { ...headers, host, ...(cookie.length > 0 && { cookie: cookie.join('; ') }) },
      reset: true,
    });
    const page = { url, status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
    for (const text of [answer.headers['set-cookie'] ?? []].flat()) this.#keep(host, text);
    this.history.push(page);
    return page;
  }

  /** The page that it was redirected to last, at which it has not been yet. */
  async begin(url: string): Promise<string> {
    const { status, headers, body } = await this.ask(url, navigation);
    if (headers['location'] === undefined) throw new Error(`${url} answered ${status} ${body}`);
    return String(headers['location']);
  }

  /** Follows redirects until one leads to a URL that begins so, and gives that. */
  async follow(url: string, until: string): Promise<string> {
    let next = url;
    for (let redirects = 0; !next.startsWith(until); redirects += 1) {
      const page = await this.ask(next, navigation);
      if (redirects === redirectsMax || page.headers['location'] === undefined)
        throw new Error(`${next} answered ${page.status} ${page.body}`);
      next = new URL(String(page.headers['location']), next).href;
    }
    return next;
  }

  #keep(host: string, text: string): void {
    const [pair = '', ...attributes] = text.split('; ');
    const name = pair.slice(0, pair.indexOf('='));
    const path = attributes.find((each) => /^path=/i.test(each))?.slice('path='.length) ?? '/';
    const isGone = attributes.some((each) => /^max-age=0$|^expires=thu, 01 jan 1970/i.test(each));
    if (isGone) this.cookies(host).delete(name);
    else
      this.cookies(host).set(name, {
        value: pair.slice(name.length + 1),
        path,
        attributes: attributes.join('; '),
      });
  }
}
