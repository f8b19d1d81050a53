/** Fields by which a proxy tells an application who is calling: worth forging, so nobody but a trusted proxy may send them. */

const names: ReadonlySet<string> = new Set([
  'forwarded',
  'x-real-ip',
  'x-request-id',
  'x-original-url',
  'x-rewrite-url',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
]);

const prefixes = ['x-forwarded-', 'x-consumer-', 'x-authenticated-', 'x-credential-', 'x-ssl-'] as const;

/** Set by this gateway alone, so that not even a trusted proxy may. */
const ownPrefix = 'x-consumer-';

/**
 * Whether a field claims an identity. Many applications read `x_real_ip` as `x-real-ip` (CGI, RFC 3875 section 4.1.18), so both
 * spellings count. `lowerName` is in lower case.
 */
export function isIdentityHeader(lowerName: string): boolean {
  const name = withDashes(lowerName);
  if (name === undefined) return false;
  return names.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
}

/** Whether the gateway itself sets the field, whoever else claims to. */
export function isOwnIdentityHeader(lowerName: string): boolean {
  return withDashes(lowerName)?.startsWith(ownPrefix) === true;
}

/** Whether the field is spelled so that only a reader of CGI variables would take it for another. */
export function hasUnderscore(lowerName: string): boolean {
  return lowerName.includes('_');
}

/** Hot path: hardly any field begins with x, f or t, and no other can be one. */
function withDashes(lowerName: string): string | undefined {
  const first = lowerName.charCodeAt(0);
  if (first !== 0x78 && first !== 0x66 && first !== 0x74) return undefined;
  return lowerName.includes('_') ? lowerName.replaceAll('_', '-') : lowerName;
}
