import { entriesOf, fieldOf } from '@causeway/model/kinds/kind';
import type { Resource } from '@causeway/model/resource';
import { timeLeft } from '../output/age.ts';
import { rateText } from '../output/columns/consumer.ts';
import type { Session } from '../session.ts';
import type { Description } from './description.ts';
import { conditionSection, headFields, nodeParts, tableLines } from './standard-parts.ts';

export async function describeConsumer(session: Session, consumer: Resource): Promise<Description> {
  const { spec } = consumer;
  const nodes = await nodeParts(session, consumer);
  const description = fieldOf(spec, 'description');
  return {
    fields: [
      ...(await headFields(session, consumer)),
      ['Description', typeof description === 'string' && description !== '' ? description : undefined],
      ['Groups', entriesOf(spec, 'groups').join(', ')],
      ['Disabled', fieldOf(spec, 'disabled') === true ? 'yes: it is refused everywhere' : undefined],
      ['Nodes', nodes.text],
    ],
    sections: [
      {
        title: 'Credentials',
        lines: tableLines(['KIND', 'NAME', 'EXPIRES'], credentialRows(consumer, session.io.nowMs())),
      },
      {
        title: 'Limits',
        lines: tableLines(['KIND', 'NAME', 'REQUESTS', 'BURST', 'SCOPE', 'TIME-ZONE'], limitRows(spec)),
      },
      conditionSection(session, consumer),
      nodes.section,
    ],
  };
}

/** Of a sparse spec, with defaults. */
function limitRows(spec: Resource['spec']): string[][] {
  const text = (entry: unknown, field: string, ifAbsent: unknown): string =>
    String(fieldOf(entry, field) ?? ifAbsent);
  return [
    ...entriesOf(spec, 'limits').map((entry) => [
      'limit',
      text(entry, 'name', '-'),
      rateText(entry),
      text(entry, 'burst', fieldOf(entry, 'requests')),
      text(entry, 'scope', 'node'),
      '-',
    ]),
    ...entriesOf(spec, 'quotas').map((entry) => [
      'quota',
      text(entry, 'name', '-'),
      rateText(entry),
      '-',
      'cluster',
      text(entry, 'timeZone', 'UTC'),
    ]),
  ];
}

/** What stands for it, by name: the texts of keys and passwords are nobody's to read. */
function credentialRows({ spec, status }: Resource, nowMs: number): string[][] {
  const text = (entry: unknown, field: string): string => {
    const value = fieldOf(entry, field);
    return typeof value === 'string' ? value : '';
  };
  const expiry = (key: unknown): string => {
    if (fieldOf(key, 'disabled') === true) return 'disabled';
    const expiresAt = text(key, 'expiresAt');
    return expiresAt === '' ? 'never' : timeLeft(expiresAt, nowMs);
  };
  return [
    ...entriesOf(spec, 'keys').map((key) => ['key', text(key, 'name'), expiry(key)]),
    ...(status?.keys ?? [])
      .filter(({ source }) => source === 'server')
      .map(({ name, prefix = '', expiresAt, replaced }) => [
        'key',
        `${name} (${prefix}...${replaced ? ', replaced' : ''})`,
        expiresAt === undefined ? 'never' : timeLeft(expiresAt, nowMs),
      ]),
    ...entriesOf(spec, 'passwords').map((entry) => ['password', text(entry, 'username'), '-']),
    ...entriesOf(spec, 'jwt').map((entry) => [
      'token',
      `${text(entry, 'provider')} ${text(entry, 'value')}`,
      '-',
    ]),
    ...entriesOf(spec, 'clientCertificates').map((entry) => [
      'certificate',
      text(entry, 'san') || text(entry, 'subject') || text(entry, 'sha256'),
      '-',
    ]),
  ];
}
