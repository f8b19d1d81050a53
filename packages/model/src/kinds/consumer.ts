import { z } from 'zod';
import { flag, line, list, name, object, oneOf, say, shown, timestamp } from '../fields.ts';
import { hiddenSecret } from '../resource.ts';
import { secretSource } from '../secret-source.ts';
import { serverKeyMark } from '../server-keys.ts';
import { consumerLimits, consumerQuotas } from './consumer-limits.ts';
import { entriesOf, fieldOf, type Kind, type Reference, writeVerbs } from './kind.ts';

const groupsMax = 64;
const keysMax = 128;
const passwordsMax = 32;
const tokensMax = 64;
const certificatesMax = 64;

/** Shorter ones can be guessed. Visible ASCII, so that a key stands in a header as it is. */
const keyPattern = /^[\u0021-\u007e]{16,512}$/;

/** RFC 7617 section 2: no control characters. */
const passwordPattern = /^[^\u0000-\u001f\u007f]{8,512}$/;

/** RFC 7617 section 2: a colon would end it. */
const usernamePattern = /^[^\u0000-\u001f\u007f:]{1,255}$/;

/** What is wrong with an API key, without quoting it; undefined when nothing is. */
export function apiKeyComplaint(key: string): string | undefined {
  if (key.startsWith(serverKeyMark))
    return `keys that begin with ${serverKeyMark} are made by the control plane alone: gwctl consumer key create`;
  return keyPattern.test(key) ? undefined : 'not an API key: 16 to 512 visible ASCII characters';
}

/** Likewise. */
export function passwordComplaint(password: string): string | undefined {
  return passwordPattern.test(password)
    ? undefined
    : 'not a password: 8 to 512 characters, none of them a control character';
}

/** A secret whose text must be of a form; of one that stands in a Secret, the control plane sees to it. */
function credential(description: string, complaintAbout: (text: string) => string | undefined) {
  return secretSource(description).superRefine((value, context) => {
    if (typeof value !== 'string' || value === hiddenSecret) return;
    const complaint = complaintAbout(value);
    if (complaint !== undefined) context.addIssue({ code: 'custom', message: say('bad_format', complaint) });
  });
}

const apiKey = object(
  {
    name: name.describe('Tells the keys of a Consumer apart.'),
    value: credential(
      'The key, 16 to 512 visible ASCII characters: write-only, reads back as (hidden), or {secret, key}.',
      apiKeyComplaint,
    ),
    expiresAt: timestamp.optional().describe('From then on it is refused (401). RFC 3339, UTC.'),
    disabled: flag('true: it is refused (401).').default(false),
  },
  'An API key.',
  () => 'this',
);

const password = object(
  {
    username: z
      .string({
        error: (issue) =>
          issue.input === undefined
            ? say('missing', 'required: a user name')
            : say('wrong_type', `${shown(issue.input)} is not a user name`),
      })
      .regex(usernamePattern, {
        error: (issue) =>
          say(
            'bad_format',
            `${shown(issue.input)} is not a user name: 1 to 255 characters, neither ":" nor control characters`,
          ),
      })
      .describe('User name of basicAuth.'),
    password: credential(
      'Its password, 8 to 512 characters: write-only, reads back as (hidden), or {secret, key}.',
      passwordComplaint,
    ),
  },
  'A user name and its password.',
  () => 'this',
);

const token = object(
  {
    provider: name.describe('AuthProvider.'),
    value: line(
      'the value of a claim',
      "Value of the provider's claims.consumer in the tokens of this Consumer.",
    ),
  },
  'Tokens of this Consumer.',
);

const clientCertificate = oneOf(
  {
    subject: line(
      'a distinguished name',
      'Distinguished name, whole, as access logs and OpenSSL write it: CN=ci, O=Example.',
    ).optional(),
    san: z
      .string({ error: (issue) => say('wrong_type', `${shown(issue.input)} is not a text`) })
      .regex(/^(dns|uri|email):[^\u0000-\u0020\u007f]{1,1024}$/, {
        error: (issue) =>
          say('bad_format', `${shown(issue.input)} is none of dns:NAME, uri:URI and email:ADDRESS`),
      })
      .describe('Alternative name of the certificate: dns:NAME, uri:URI or email:ADDRESS.')
      .optional(),
    sha256: z
      .string({ error: (issue) => say('wrong_type', `${shown(issue.input)} is not a text`) })
      .regex(/^[0-9a-f]{64}$/, {
        error: (issue) =>
          say(
            'bad_format',
            `${shown(issue.input)} is not a fingerprint`,
            'write 64 digits of lower-case hex',
          ),
      })
      .describe('SHA-256 of the certificate in DER form, 64 digits of lower-case hex.')
      .optional(),
  },
  'A certificate of this Consumer. Where several fit one certificate, sha256 counts before san, and san before subject.',
  {},
);

const consumerSpec = object(
  {
    description: line('a description', 'For people.').or(z.literal('')).default(''),
    groups: list(name, {
      description: 'Groups that it is in, joined with those from claims.',
      max: groupsMax,
      key: '',
    }).default([]),
    disabled: flag('true: it is refused everywhere, with good credentials too (403).').default(false),
    keys: list(apiKey, {
      description: 'API keys. One value stands for one Consumer of a namespace only.',
      max: keysMax,
      key: 'name',
    }).default([]),
    passwords: list(password, {
      description: 'For basicAuth. One user name stands for one Consumer of a namespace only.',
      max: passwordsMax,
      key: 'username',
    }).default([]),
    jwt: list(token, {
      description: 'Whose tokens are its own.',
      max: tokensMax,
      key: 'provider+value',
    }).default([]),
    clientCertificates: list(clientCertificate, {
      description: 'Certificates that it shows as a TLS client.',
      max: certificatesMax,
      key: '',
    }).default([]),
    limits: consumerLimits.default([]),
    quotas: consumerQuotas.default([]),
  },
  'Somebody who calls, what stands for it, and how much it may.',
).superRefine(({ limits, quotas }, context) => {
  for (const [index, quota] of quotas.entries()) {
    if (!limits.some((limit) => limit.name === quota.name)) continue;
    const message = say(
      'duplicate',
      `a limit is called ${JSON.stringify(quota.name)} as well, and clients could not tell them apart`,
      'give it a name of its own',
    );
    context.addIssue({ code: 'custom', path: ['quotas', index, 'name'], message });
  }
});

export type ConsumerSpec = z.output<typeof consumerSpec>;

export const consumerKind: Kind<typeof consumerSpec> = {
  kind: 'Consumer',
  plural: 'consumers',
  shortNames: ['con'],
  namespaced: true,
  description:
    'Somebody who calls: its groups, and the keys, passwords, tokens and certificates that stand for it.',
  verbs: writeVerbs,
  spec: consumerSpec,
  references: (spec) => [
    ...secretReferences(spec, 'keys', 'value'),
    ...secretReferences(spec, 'passwords', 'password'),
    ...providerReferences(spec),
  ],
  secretPaths: (spec) => [
    ...entriesOf(spec, 'keys').map((_, index) => ['keys', String(index), 'value']),
    ...entriesOf(spec, 'passwords').map((_, index) => ['passwords', String(index), 'password']),
  ],
  secretPlace: (spec, [field = '', index = '']) => {
    const entry = entriesOf(spec, field)[Number(index)];
    return JSON.stringify([field, fieldOf(entry, field === 'keys' ? 'name' : 'username') ?? null]);
  },
  plannedFields: [],
};

function secretReferences(spec: unknown, field: string, secretField: string): Reference[] {
  return entriesOf(spec, field).flatMap((entry, index): Reference[] => {
    const secret = fieldOf(fieldOf(entry, secretField), 'secret');
    return typeof secret === 'string'
      ? [{ pointer: `/spec/${field}/${index}/${secretField}/secret`, kind: 'Secret', name: secret }]
      : [];
  });
}

function providerReferences(spec: unknown): Reference[] {
  return entriesOf(spec, 'jwt').flatMap((entry, index): Reference[] => {
    const provider = fieldOf(entry, 'provider');
    return typeof provider === 'string'
      ? [{ pointer: `/spec/jwt/${index}/provider`, kind: 'AuthProvider', name: provider }]
      : [];
  });
}
