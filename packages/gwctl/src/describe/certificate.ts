import type { CertificateSpec } from '@causeway/model/kinds/certificate';
import type { Resource } from '@causeway/model/resource';
import { shownKey } from '../object-key.ts';
import { timeLeft } from '../output/age.ts';
import type { Session } from '../session.ts';
import type { Description } from './description.ts';
import { conditionSection, headFields, nodeParts } from './standard-parts.ts';

export async function describeCertificate(
  session: Session,
  certificate: Resource,
  warnings: readonly string[],
): Promise<Description> {
  const { status } = certificate;
  const left = timeLeft(status?.notAfter ?? '', session.io.nowMs());
  const nodes = await nodeParts(session, certificate);
  return {
    fields: [
      ...(await headFields(session, certificate)),
      ['Subject', status?.subject],
      ['Issuer', status?.issuer],
      ['Names', status?.names?.join(', ')],
      ['Valid from', status?.notBefore],
      ['Valid until', `${status?.notAfter ?? '-'} (${left === 'expired' ? left : `${left} left`})`],
      ['SHA-256', status?.sha256],
      ['Key', keyText(certificate.spec)],
      ['Used by', status?.usedBy?.map((key) => shownKey(key, session.namespace)).join(', ')],
      ['Nodes', nodes.text],
    ],
    sections: [conditionSection(session, certificate), nodes.section, { title: 'Warnings', lines: warnings }],
  };
}

function keyText({ key }: Partial<CertificateSpec>): string {
  if (key === undefined) return 'none: a trust bundle';
  return typeof key === 'string' ? key : `secret/${key.secret} ${key.key}`;
}
