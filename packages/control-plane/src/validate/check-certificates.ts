import { parseCertificateChain, privateKeyComplaint } from '@causeway/model/certificate-chain';
import type { ApiProblem } from '@causeway/model/api-types';
import type { CertificateSpec } from '@causeway/model/kinds/certificate';
import { pointerOf } from '@causeway/model/problem';
import { certificateKeyRef, secretKeyOf } from '../store/certificate-key.ts';
import type { ReadSecret } from '../store/secret-values.ts';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import { showsOwn } from '../store/certificate-users.ts';

/**
 * What holds between a Certificate, the Secret that its key is in and the Services and Gateways that show it as their own, in
 * the configuration as it would be: checked from whichever of them is written. Keys are read, and never quoted.
 */
export function checkCertificates(
  planned: ResourceView,
  writtenKeys: readonly string[],
  readSecret: ReadSecret,
): ApiProblem[] {
  const written = new Set(writtenKeys);
  return writtenKeys.flatMap((key): ApiProblem[] => {
    const entry = planned.get(key);
    switch (entry?.resource.kind) {
      case 'Certificate':
        return [...checkOwnKey(entry, planned, readSecret), ...checkKeyIsThere(entry, planned, written)];
      case 'Secret':
        return checkKeysInSecret(entry, planned, readSecret, written);
      case 'Service':
      case 'Gateway':
        return checkShown(entry, planned);
      default:
        return [];
    }
  });
}

/** The key belongs to the leaf: one that was kept, or stands in a Secret, has not been looked at by the schema. */
function checkOwnKey(entry: Entry, planned: ResourceView, readSecret: ReadSecret): ApiProblem[] {
  const { certificate, key } = entry.effective as CertificateSpec;
  if (key === undefined) return [];
  const ref = certificateKeyRef(entry, planned);
  const inSecret = secretKeyOf(entry);
  if (ref === undefined) {
    // A Secret that is not there is an unknown reference already.
    if (!inSecret || !planned.get(inSecret.target)) return [];
    return [
      problemOf(entry, '/spec/key/key', `${inSecret.target} has no key ${JSON.stringify(inSecret.key)}`),
    ];
  }
  const complaint = keyComplaint(certificate, readSecret(ref));
  return complaint === undefined ? [] : [problemOf(entry, '/spec/key', complaint)];
}

function keyComplaint(certificate: string, key: string | undefined): string | undefined {
  const chain = parseCertificateChain(certificate);
  if (!chain.ok) return chain.detail;
  return key === undefined ? 'is not in the store' : privateKeyComplaint(key, chain.certificates[0]);
}

/** A Secret that is written alone must not take from a Certificate the key that belongs to it. */
function checkKeysInSecret(
  secret: Entry,
  planned: ResourceView,
  readSecret: ReadSecret,
  written: ReadonlySet<string>,
): ApiProblem[] {
  return [...planned.referrersOf(secret.key)].flatMap((referrer): ApiProblem[] => {
    // It speaks for itself.
    if (written.has(referrer)) return [];
    const certificate = planned.get(referrer);
    const key = certificate && secretKeyOf(certificate);
    if (!key) return [];
    const [found] = checkOwnKey(certificate, planned, readSecret);
    if (!found) return [];
    const detail =
      certificateKeyRef(certificate, planned) === undefined
        ? `lacks the key ${JSON.stringify(key.key)} that ${referrer} refers to`
        : `is the key of ${referrer} and ${found.detail}`;
    const hint = 'apply the Secret and the Certificate in one request';
    return [{ ...problemOf(secret, pointerOf(['spec', 'data', key.key]), detail), hint }];
  });
}

/** A Certificate that somebody shows as his own keeps a key. */
function checkKeyIsThere(entry: Entry, planned: ResourceView, written: ReadonlySet<string>): ApiProblem[] {
  if ((entry.effective as CertificateSpec).key !== undefined) return [];
  for (const user of planned.referrersOf(entry.key)) {
    if (written.has(user)) continue;
    const uses = planned.get(user)?.references ?? [];
    const use = uses.find(({ pointer, target }) => target === entry.key && showsOwn(pointer));
    if (use === undefined) continue;
    const field = use.pointer.endsWith('/clientCertificate') ? 'tls.clientCertificate' : 'tls.certificates';
    return [problemOf(entry, '/spec/key', `required: ${user} uses it as ${field}`, 'missing')];
  }
  return [];
}

function checkShown(user: Entry, planned: ResourceView): ApiProblem[] {
  return user.references.flatMap(({ kind, pointer, target }) => {
    if (kind !== 'Certificate' || !showsOwn(pointer)) return [];
    const certificate = planned.get(target);
    if (!certificate || (certificate.effective as CertificateSpec).key !== undefined) return [];
    return [problemOf(user, pointer, `${certificate.key} has no key`)];
  });
}

function problemOf(
  entry: Entry,
  pointer: string,
  detail: string,
  code: ApiProblem['code'] = 'bad_format',
): ApiProblem {
  return { resource: entry.key, code, pointer, detail };
}
