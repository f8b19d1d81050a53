import { z } from 'zod';
import { parseCertificateChain, privateKeyComplaint } from '../certificate-chain.ts';
import { object, say } from '../fields.ts';
import { hiddenSecret } from '../resource.ts';
import { secretSource } from '../secret-source.ts';
import { fieldOf, type Kind, writeVerbs } from './kind.ts';

/** Largest chain or bundle, in characters: the system bundles of Linux distributions have some 230,000. */
const pemCharactersMax = 512 * 1024;

// Complaints do not show the text: somebody may have pasted a key here.
const certificatePem = z
  .string({
    error: (issue) =>
      issue.input === undefined
        ? say('missing', 'required: certificates in PEM form')
        : say('wrong_type', 'not a text of certificates in PEM form'),
  })
  .max(pemCharactersMax, { error: () => say('out_of_range', 'longer than 512KiB'), abort: true })
  .superRefine((pem, context) => {
    const chain = parseCertificateChain(pem);
    if (!chain.ok) context.addIssue({ code: 'custom', message: say('bad_format', chain.detail) });
  })
  .describe('PEM, leaf first; without key a trust bundle.');

export const certificateSpec = object(
  {
    certificate: certificatePem,
    key: secretSource(
      'Private key of the first certificate: PEM, which is write-only and reads back as (hidden), or {secret, key}.',
    ).optional(),
  },
  'Certificates, and the key of the first one.',
  () => 'this',
).superRefine(({ certificate, key }, context) => {
  if (typeof key !== 'string' || key === hiddenSecret) return;
  const chain = parseCertificateChain(certificate);
  const complaint = chain.ok ? privateKeyComplaint(key, chain.certificates[0]) : undefined;
  if (complaint !== undefined)
    context.addIssue({ code: 'custom', path: ['key'], message: say('bad_format', complaint) });
});

export type CertificateSpec = z.output<typeof certificateSpec>;

export const certificateKind: Kind<typeof certificateSpec> = {
  kind: 'Certificate',
  plural: 'certificates',
  shortNames: ['cert'],
  namespaced: true,
  description: 'PEM certificates and the private key of the first one; without a key a trust bundle.',
  verbs: writeVerbs,
  spec: certificateSpec,
  references: (spec) => {
    const secret = fieldOf(fieldOf(spec, 'key'), 'secret');
    return typeof secret === 'string' ? [{ pointer: '/spec/key/secret', kind: 'Secret', name: secret }] : [];
  },
  secretPaths: () => [['key']],
  plannedFields: ['acme'],
};
