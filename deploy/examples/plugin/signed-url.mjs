/**
 * Lets in who has a link that somebody with the key has signed, until it expires:
 *   /downloads/a.zip?expires=1735689600&signature=HEX
 * where HEX is the HMAC-SHA256 of "/downloads/a.zip\n1735689600".
 *
 * The key is in an environment variable of the node, since the configuration of plugins is no secret.
 *
 * @param {{ name: string, config: { keyVariable: string } }} options
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export default function signedUrl({ config }) {
  const key = process.env[config.keyVariable];
  // A plugin that cannot do its work says so when it is made: the node then keeps what it serves.
  if (key === undefined || key === '') throw new Error(`the variable ${config.keyVariable} is not set`);

  return {
    onRequestHead(exchange) {
      exchange.hideQuery('signature');
      const parameters = new URLSearchParams(exchange.query ?? '');
      const expires = parameters.get('expires') ?? '';
      const signature = Buffer.from(parameters.get('signature') ?? '', 'hex');
      const expected = createHmac('sha256', key).update(`${exchange.path}\n${expires}`).digest();
      if (signature.length !== expected.length || !timingSafeEqual(signature, expected))
        return { kind: 'refusal', reason: 'forbidden', detail: 'The link is not signed.' };
      if (!(Number(expires) * 1000 > Date.now()))
        return { kind: 'refusal', reason: 'gone', detail: 'The link has expired.' };
      parameters.delete('expires');
      parameters.delete('signature');
      exchange.rewriteTarget(
        exchange.upstreamPath,
        parameters.size === 0 ? undefined : parameters.toString(),
      );
    },
  };
}

/** What goes behind the question mark of a link to `path`. */
export function signedQuery(key, path, expiresAt) {
  const expires = String(Math.floor(expiresAt.getTime() / 1000));
  const signature = createHmac('sha256', key).update(`${path}\n${expires}`).digest('hex');
  return `expires=${expires}&signature=${signature}`;
}
