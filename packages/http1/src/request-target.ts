/** The four forms of a request-target (RFC 9112 section 3.2). */

import { slash } from './byte-class.ts';
import { type Fault, faults } from './fault.ts';
import { isHost } from './host-syntax.ts';

export const TargetForm = { origin: 0, absolute: 1, asterisk: 2, authority: 3 } as const;
export type TargetForm = (typeof TargetForm)[keyof typeof TargetForm];

export interface ReadTarget {
  readonly form: TargetForm;
  /** Where path and query begin in the target; its length when there are none. */
  readonly pathStart: number;
  /** Of absolute-form and authority-form. */
  readonly authority: string | undefined;
  /** Of absolute-form, in lower case. */
  readonly scheme: 'http' | 'https' | undefined;
}

const origin: ReadTarget = { form: TargetForm.origin, pathStart: 0, authority: undefined, scheme: undefined };
const asterisk: ReadTarget = { ...origin, form: TargetForm.asterisk, pathStart: 1 };

/** `absolute-URI` of the two schemes that HTTP serves; user information is refused with the authority (RFC 9110 section 4.2.4). */
const absolutePattern = /^(https?):\/\/([^/?]*)/i;

export function readTarget(method: string, target: string): ReadTarget | Fault {
  if (method === 'CONNECT') return readAuthorityForm(target);
  if (target.charCodeAt(0) === slash) return origin;
  if (target === '*') return method === 'OPTIONS' ? asterisk : faults.targetForm;
  const parts = absolutePattern.exec(target);
  if (parts === null) return faults.targetForm;
  const [start, scheme = '', authority = ''] = parts;
  if (!isHost(authority)) return faults.targetAuthority;
  return {
    form: TargetForm.absolute,
    pathStart: start.length,
    authority,
    scheme: scheme.length === 5 ? 'https' : 'http',
  };
}

/** `authority-form = uri-host ":" port`, with the port (RFC 9112 section 3.2.3). */
function readAuthorityForm(target: string): ReadTarget | Fault {
  if (!isHost(target) || !/:\d+$/.test(target)) return faults.targetAuthority;
  return {
    form: TargetForm.authority,
    pathStart: target.length,
    authority: target,
    scheme: undefined,
  };
}

/** Whether Host names what an absolute-form target names: a client sends the same in both (RFC 9112 section 3.2.2). */
export function isSameHost(host: string, target: ReadTarget): boolean {
  const defaultPort = target.scheme === 'https' ? ':443' : ':80';
  return withoutPort(host, defaultPort) === withoutPort(target.authority ?? '', defaultPort);
}

function withoutPort(host: string, port: string): string {
  const lower = host.toLowerCase();
  return lower.endsWith(port) ? lower.slice(0, -port.length) : lower;
}
