/** A request for a WebSocket: what it must look like, what goes upstream, and which answers agree to it (RFC 6455 section 4, RFC 8441). */

import { createHash, randomBytes } from 'node:crypto';
import { HeadFact } from '@causeway/http1/message-head';
import type { RequestHead } from '@causeway/http1/request-head';
import type { ResponseHead } from '@causeway/http1/response-head';

import type { WebSocketSettings } from '../table/read-streams.ts';
import type { FieldList, SentHandshake } from './exchange.ts';
import { joinedField } from './head-fields.ts';
import type { Refusal } from './reasons.ts';

const version = '13';
/** Of 16 bytes in base64. */
const keySyntax = /^[A-Za-z0-9+/]{22}==$/;
/** RFC 6455 section 1.3. */
const acceptGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const extensionsField = 'sec-websocket-extensions';
const keyField = 'sec-websocket-key';
const acceptField = 'sec-websocket-accept';

const versionRefusal: Refusal = {
  reason: 'upgrade_refused',
  detail: `The version of WebSocket that is spoken here is ${version}.`,
  fields: ['upgrade', 'websocket', 'sec-websocket-version', version],
};

const disabledRefusal: Refusal = {
  reason: 'upgrade_refused',
  detail: 'WebSockets are not allowed here.',
  fields: ['upgrade', 'HTTP/1.1'],
};

/**
 * Undefined: no handshake; an Upgrade to anything else is passed over, as RFC 9110 section 7.8 allows. What would be one but for a fault is refused:
 * two servers might disagree about what comes behind it.
 */
export function readHandshake(head: RequestHead): Handshake | Refusal | undefined {
  const asks = HeadFact.connectionUpgrade | HeadFact.upgrade;
  const isHttp2 = head.protocol !== undefined;
  if (!isHttp2 && ((head.facts & asks) !== asks || head.minorVersion === 0)) return undefined;
  if (!isHttp2 && joinedField(head, 'upgrade')?.toLowerCase() !== 'websocket') return undefined;
  if (head.method !== 'GET' || head.bodyLength !== 0)
    return { reason: 'bad_request', detail: 'A WebSocket is asked for by GET without a body.', close: true };
  if (joinedField(head, 'sec-websocket-version') !== version) return versionRefusal;
  if (isHttp2) return new Handshake(undefined);
  const key = joinedField(head, keyField);
  if (key === undefined || !keySyntax.test(key))
    return { reason: 'bad_request', detail: 'Sec-WebSocket-Key is not 16 bytes in base64.' };
  return new Handshake(key);
}

/** Whether the Route lets it pass. */
export function checkHandshake(head: RequestHead, settings: WebSocketSettings): Refusal | undefined {
  if (!settings.isEnabled) return disabledRefusal;
  const origin = joinedField(head, 'origin');
  if (origin === undefined || settings.allowsOrigin(origin)) return undefined;
  return { reason: 'forbidden', detail: 'WebSockets from this origin are not allowed here.' };
}

export class Handshake {
  /** Of a client of HTTP/1.1. */
  readonly #clientKey: string | undefined;
  /** Of ours, in place of a client's that has none. */
  readonly #ownKey: string | undefined;
  #declinesExtensions = false;

  constructor(clientKey: string | undefined) {
    this.#clientKey = clientKey;
    this.#ownKey = clientKey === undefined ? randomBytes(16).toString('base64') : undefined;
  }

  get sent(): SentHandshake {
    return { key: this.#ownKey };
  }

  /** That go upstream. `declines`: frames are read here, so that no extension may change what they mean. */
  sentFields(fields: FieldList, declines: boolean): FieldList {
    this.#declinesExtensions = declines;
    // RFC 8441 section 5 has no key: what such a client sends would stand beside ours.
    const keyed = this.#ownKey === undefined ? fields : withoutField(fields, keyField);
    return declines ? withoutField(keyed, extensionsField) : keyed;
  }

  /** Whether an answer agrees; a text: why it can be believed no more than one that is no HTTP. */
  judge(head: ResponseHead): boolean | string {
    const { status, majorVersion } = head;
    if (majorVersion === 2) {
      if (status < 200 || status > 299) return false;
      if (head.bodyLength === 0) return 'the upstream ends a WebSocket as it begins';
    } else if (status !== 101) {
      // A client of HTTP/2 would take it for agreement.
      if (this.#clientKey === undefined && status >= 200 && status <= 299)
        return `the upstream answers a WebSocket handshake with ${status}`;
      return false;
    } else if (joinedField(head, 'upgrade')?.toLowerCase() !== 'websocket') {
      return 'the upstream switches to another protocol than websocket';
    } else if (joinedField(head, acceptField) !== acceptOf(this.#clientKey ?? this.#ownKey!)) {
      return 'the upstream answers to another Sec-WebSocket-Key';
    }
    if (this.#declinesExtensions && head.valueOf(extensionsField) !== undefined)
      return 'the upstream uses an extension that nobody has offered';
    return true;
  }

  /** For the client, of an answer that agrees; HTTP/2 has no Sec-WebSocket-Accept. */
  agreedFields(fields: FieldList): FieldList {
    const others = withoutField(fields, acceptField);
    return this.#clientKey === undefined ? others : [acceptField, acceptOf(this.#clientKey), ...others];
  }
}

function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + acceptGuid)
    .digest('base64');
}

function hasField(fields: FieldList, lowerName: string): boolean {
  return fields.some((field, index) => index % 2 === 0 && field.toLowerCase() === lowerName);
}

function withoutField(fields: FieldList, lowerName: string): FieldList {
  if (!hasField(fields, lowerName)) return fields;
  return fields.filter((_, index) => fields[index - (index % 2)]!.toLowerCase() !== lowerName);
}
