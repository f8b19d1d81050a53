/** Where Redis is, as one URL says. */
export interface RedisPlace {
  /** A Redis Cluster, of which `addresses` are some nodes. */
  cluster: boolean;
  tls: boolean;
  addresses: { host: string; port: number }[];
  /** Empty = the default user. */
  username: string;
  /** Empty = none. */
  password: string;
  database: number;
}

const defaultPort = 6379;
const databaseMax = 65_535;
const addressesMax = 64;

/** redis:// and rediss:// for one server, redis+cluster:// and rediss+cluster:// with one or more nodes. */
const urlPattern =
  /^(?<scheme>rediss?(?:\+cluster)?):\/\/(?:(?<username>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<hosts>[^@/?#]+)(?:\/(?<database>\d{1,5})?)?$/;
const hostPattern = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<host>[A-Za-z0-9._-]{1,253}))(?::(?<port>\d{1,5}))?$/;

/** Undefined when it is no such URL; `redisUrlComplaint` says why. */
export function parseRedisUrl(text: string): RedisPlace | undefined {
  const {
    scheme,
    username = '',
    password = '',
    hosts = '',
    database = '0',
  } = urlPattern.exec(text)?.groups ?? {};
  if (scheme === undefined) return undefined;
  const addresses = hosts.split(',').map(parseAddress);
  const place = {
    cluster: scheme.endsWith('+cluster'),
    tls: scheme.startsWith('rediss'),
    addresses: addresses.filter((address) => address !== undefined),
    username: decoded(username),
    password: decoded(password),
    database: Number(database),
  };
  if (place.addresses.length !== addresses.length || addresses.length > addressesMax) return undefined;
  if (place.username === undefined || place.password === undefined) return undefined;
  if (place.cluster ? place.database > 0 : addresses.length > 1) return undefined;
  return place.database > databaseMax ? undefined : (place as RedisPlace);
}

/** What is wrong with the URL, without quoting it: it may hold a password. */
export function redisUrlComplaint(text: string): string | undefined {
  const place = parseRedisUrl(text);
  if (place !== undefined && place.username !== '' && place.password === '')
    return 'a user without a password logs in nowhere; of a user with nopass Redis takes any';
  return place === undefined
    ? 'not the URL of a Redis: redis://USER:PASSWORD@HOST:PORT/DATABASE, rediss:// for TLS; redis+cluster://HOST:PORT,HOST:PORT or rediss+cluster:// for a cluster'
    : undefined;
}

function parseAddress(text: string): { host: string; port: number } | undefined {
  const { v6, host = v6, port = String(defaultPort) } = hostPattern.exec(text)?.groups ?? {};
  const number = Number(port);
  return host === undefined || number < 1 || number > 65_535 ? undefined : { host, port: number };
}

/** Percent-encoded (RFC 3986 section 2.1), for passwords with `@` or `/` in them. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
