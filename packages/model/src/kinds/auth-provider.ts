import { z } from 'zod';
import {
  choice,
  duration,
  flag,
  line,
  list,
  name,
  object,
  oneOf,
  realDuration,
  say,
  shown,
  sizeWithin,
} from '../fields.ts';
import { ownHeaderName } from '../filters/headers.ts';
import { jwkComplaint } from '../jwk.ts';
import { durationMs } from '../quantity.ts';
import { secretSource } from '../secret-source.ts';
import { parseSource } from '../source.ts';
import { entriesOf, fieldOf, type Kind, type Reference, writeVerbs } from './kind.ts';

const publicAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;
const secretAlgorithms = ['HS256', 'HS384', 'HS512'] as const;

/** Where JSON says what stands: `realm.roles`. */
const claimPath = line('a claim', 'Name of a claim, or a dotted path to it.', 256);

/** https, or http to this machine: who can change the keys can make tokens. */
const keysUrl = z
  .string({ error: (issue) => say('wrong_type', `${shown(issue.input)} is not a URL`) })
  .max(2048)
  .superRefine((text, context) => {
    const complaint = keysUrlComplaint(text);
    if (complaint !== undefined) context.addIssue({ code: 'custom', message: say('bad_format', complaint) });
  });

/** What is wrong with a place from which keys are to be fetched. */
export function keysUrlComplaint(text: string): string | undefined {
  if (!URL.canParse(text)) return `${shown(text)} is not a URL`;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return 'a URL of keys holds no password';
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback)) return undefined;
  return `${shown(text)} is neither https nor http to this machine`;
}

const credentialSource = z
  .string({ error: (issue) => say('wrong_type', `${shown(issue.input)} is not a source`) })
  .superRefine((text, context) => {
    const kind = parseSource(text)?.kind;
    if (kind === 'header' || kind === 'query' || kind === 'cookie') return;
    const message = say(
      'bad_format',
      `${shown(text)} is not a source of credentials: header:NAME, query:NAME or cookie:NAME`,
    );
    context.addIssue({ code: 'custom', message });
  })
  .describe('header:NAME, query:NAME or cookie:NAME.');

const jwk = z
  .record(z.string().max(64), z.unknown(), { error: () => say('wrong_type', 'not a JSON Web Key') })
  .superRefine((key, context) => {
    if (key['kty'] === 'oct') {
      const secret = secretSource('').safeParse(key['k']);
      if (key['k'] === undefined)
        context.addIssue({ code: 'custom', path: ['k'], message: say('missing', 'required: the secret') });
      for (const issue of secret.error?.issues ?? [])
        if (key['k'] !== undefined) context.addIssue({ ...issue, path: ['k', ...issue.path] });
      return;
    }
    const complaint = jwkComplaint(key);
    if (complaint !== undefined) context.addIssue({ code: 'custom', message: say('bad_format', complaint) });
  })
  .describe('A public key as JWK (RFC 7517); of kty oct, k is a secret: a string or {secret, key}.');

const claimValues = z
  .union(
    [
      z.string().max(1024),
      z.number(),
      z.boolean(),
      z
        .array(z.union([z.string().max(1024), z.number(), z.boolean()]))
        .min(1)
        .max(64),
    ],
    {
      error: () => say('wrong_type', 'neither a simple value nor a list of such'),
    },
  )
  .describe('The value, or those of which one must be there.');

/** Claims that a token must have, with the values that do. */
export const requiredClaims = z.record(claimPath, claimValues, {
  error: () => say('wrong_type', 'not a mapping of claims to values'),
});

const authProviderFields = object(
  {
    issuer: line('an issuer', 'Compared byte by byte with iss.', 2048),
    audiences: list(line('an audience', 'One that aud names.', 1024), {
      description: 'Any of them. ["*"] takes tokens for everybody, and is warned of.',
      min: 1,
      max: 64,
    }),
    algorithms: list(
      choice('An algorithm of RFC 7518 or RFC 8037.', [...publicAlgorithms, ...secretAlgorithms]),
      {
        description:
          'Those that a signature may have. HS256, HS384 and HS512 only with inline keys, and not with others.',
        min: 1,
        max: publicAlgorithms.length,
      },
    ).default(['RS256', 'ES256', 'EdDSA']),
    jwks: oneOf(
      {
        discovery: object({}, 'From issuer + /.well-known/openid-configuration.').optional(),
        uri: keysUrl.optional().describe('Where the keys are: https, or http to this machine.'),
        keys: list(jwk, { description: 'The keys themselves.', min: 1, max: 64 }).optional(),
      },
      'Where the keys are from. Absent: discovery.',
      {},
    ).prefault({ discovery: {} }),
    refresh: object(
      {
        interval: realDuration.default('10m').describe('Keys are fetched anew so often.'),
        cooldown: realDuration
          .default('30s')
          .describe('A token with an unknown key has them fetched at once, but not more often than this.'),
        timeout: realDuration.default('5s').describe('Of one fetch.'),
        trust: list(name, {
          description: 'Certificates that sign the servers of the keys, in place of those of the system.',
          max: 16,
        }).default([]),
      },
      'Nodes fetch keys by themselves; no request waits for it but one with an unknown key.',
    ).prefault({}),
    leeway: duration
      .default('30s')
      .refine((text) => durationMs(text) <= 60_000, { error: () => say('out_of_range', 'at most 60s') })
      .describe('Difference of clocks that exp and nbf allow for; at most 60s.'),
    requireExpiry: flag('A token without exp is refused.').default(true),
    maxTokenSize: sizeWithin({ min: '256B', max: '64KiB' })
      .default('8KiB')
      .describe('A larger token is refused.'),
    from: list(credentialSource, {
      description: 'Where the token is; the first found decides. header:authorization expects Bearer.',
      min: 1,
      max: 8,
    }).default(['header:authorization']),
    claims: object(
      {
        consumer: claimPath.default('sub').describe('Claim that names the caller.'),
        groups: claimPath.default('groups').describe('Claim with a list of groups.'),
        scopes: claimPath.default('scope').describe('Claim with scopes: a text with spaces, or a list.'),
      },
      'Which claims say what; dotted paths.',
    ).prefault({}),
    requiredClaims: requiredClaims
      .default({})
      .describe('Claims that every token must have, with their values.'),
    claimHeaders: z
      .record(ownHeaderName, claimPath, {
        error: () => say('wrong_type', 'not a mapping of headers to claims'),
      })
      .default({})
      .describe("Headers for the upstream, with the claims that they hold; the client's own never cross."),
    clientId: line(
      'a client id',
      'Of the gateway at the issuer: for oidc, which logs in users of browsers.',
      256,
    ).optional(),
    clientSecret: secretSource(
      'What the gateway proves itself with: write-only, reads back as (hidden), or {secret, key}. Absent: a public client.',
    ).optional(),
  },
  'An issuer of tokens, and what they must be like.',
);

type AuthProviderFields = z.output<typeof authProviderFields>;

const authProviderSpec = authProviderFields.superRefine((spec, context) => {
  for (const { path, message } of misfits(spec)) context.addIssue({ code: 'custom', path, message });
});

export type AuthProviderSpec = z.output<typeof authProviderSpec>;

interface Misfit {
  path: (string | number)[];
  message: string;
}

function misfits({ algorithms, jwks, issuer, clientId, clientSecret }: AuthProviderFields): Misfit[] {
  const found: Misfit[] = [];
  const secret = algorithms.filter((algorithm) => algorithm.startsWith('HS'));
  const isMixed = secret.length > 0 && secret.length < algorithms.length;
  if (isMixed)
    found.push({
      path: ['algorithms'],
      message: say(
        'exclusive',
        `${secret.join(', ')} beside algorithms with public keys`,
        'write a provider for each',
      ),
    });
  if (secret.length > 0 && jwks.keys === undefined)
    found.push({
      path: ['algorithms'],
      message: say(
        'not_allowed_here',
        `${secret[0]} needs inline keys: a secret is not fetched`,
        'write jwks.keys',
      ),
    });
  for (const [index, key] of (jwks.keys ?? []).entries())
    if (!isMixed && (key['kty'] === 'oct') !== secret.length > 0)
      found.push({
        path: ['jwks', 'keys', index, 'kty'],
        message: say('not_allowed_here', `a key of kty ${shown(key['kty'])} fits none of the algorithms`),
      });
  const kids = (jwks.keys ?? []).map((key) => key['kid']);
  for (const [index, kid] of kids.entries())
    if (kid !== undefined && kids.indexOf(kid) < index)
      found.push({
        path: ['jwks', 'keys', index, 'kid'],
        message: say('duplicate', `the same kid as entry ${kids.indexOf(kid)}`),
      });
  const isAsked = jwks.discovery !== undefined || clientId !== undefined;
  const complaint = isAsked ? keysUrlComplaint(issuer) : undefined;
  if (complaint !== undefined)
    found.push({
      path: ['issuer'],
      message: say(
        'bad_format',
        `${complaint}; discovery asks there`,
        clientId === undefined ? 'or write jwks.uri' : undefined,
      ),
    });
  if (clientSecret !== undefined && clientId === undefined)
    found.push({ path: ['clientId'], message: say('missing', 'required beside clientSecret') });
  return found;
}

export const authProviderKind: Kind<typeof authProviderSpec> = {
  kind: 'AuthProvider',
  plural: 'authproviders',
  shortNames: ['ap'],
  namespaced: true,
  description: 'An issuer of tokens: its keys, its audiences, and which claims say who calls.',
  verbs: writeVerbs,
  spec: authProviderSpec,
  references: authProviderReferences,
  secretPaths: (spec) => [
    ...entriesOf(fieldOf(spec, 'jwks'), 'keys').flatMap((key, index) =>
      fieldOf(key, 'k') === undefined ? [] : [['jwks', 'keys', String(index), 'k']],
    ),
    ...(fieldOf(spec, 'clientSecret') === undefined ? [] : [['clientSecret']]),
  ],
  // Keys are told apart by their kid; without one, a position is all that they have.
  secretPlace: (spec, path) => {
    if (path[0] === 'clientSecret') return 'clientSecret';
    const kid = fieldOf(entriesOf(fieldOf(spec, 'jwks'), 'keys')[Number(path[2])], 'kid');
    return JSON.stringify(['jwks', typeof kid === 'string' ? kid : Number(path[2])]);
  },
  plannedFields: [],
};

function authProviderReferences(spec: unknown): Reference[] {
  const trust = entriesOf(fieldOf(spec, 'refresh'), 'trust').flatMap((each, index): Reference[] =>
    typeof each === 'string'
      ? [{ pointer: `/spec/refresh/trust/${index}`, kind: 'Certificate', name: each }]
      : [],
  );
  const secrets = entriesOf(fieldOf(spec, 'jwks'), 'keys').flatMap((key, index): Reference[] => {
    const secret = fieldOf(fieldOf(key, 'k'), 'secret');
    return typeof secret === 'string'
      ? [{ pointer: `/spec/jwks/keys/${index}/k/secret`, kind: 'Secret', name: secret }]
      : [];
  });
  const clientSecret = fieldOf(fieldOf(spec, 'clientSecret'), 'secret');
  const own: Reference[] =
    typeof clientSecret === 'string'
      ? [{ pointer: '/spec/clientSecret/secret', kind: 'Secret', name: clientSecret }]
      : [];
  return [...trust, ...secrets, ...own];
}

/** What is worth a warning: `["*"]` lets a token for another application pass here. */
export function takesAnyAudience(spec: AuthProviderSpec): boolean {
  return spec.audiences.includes('*');
}
