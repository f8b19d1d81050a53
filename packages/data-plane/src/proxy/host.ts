/** The authority of a request: from Host or an absolute-form target to the name that routes are matched by. */

export interface Authority {
  /** As the client wrote it, without surrounding blanks; what the upstream gets as Host. */
  readonly sent: string;
  /** Lower case, without port and without the dot of a fully qualified name; of IPv6 with brackets. */
  readonly host: string;
}

const authorityPattern = /^([a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/;

/** Clients repeat themselves: the last authority is the next one's most of the time. */
let last: Authority = { sent: '', host: '' };

/**
 * Undefined for what is no `host[:port]` (RFC 9110 section 7.2), or an escape, user information or a list, which some servers
 * would read differently. Names may have underscores, which are no host names but are in use.
 */
export function parseAuthority(sent: string): Authority | undefined {
  if (last.sent === sent && sent !== '') return last;
  const parts = authorityPattern.exec(sent.toLowerCase());
  if (parts === null) return undefined;
  const [, name = ''] = parts;
  const host = name.endsWith('.') ? name.slice(0, -1) : name;
  if (host === '' || host.startsWith('.') || host.includes('..')) return undefined;
  last = { sent, host };
  return last;
}
