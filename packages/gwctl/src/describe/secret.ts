import type { Resource } from '@causeway/model/resource';
import type { Session } from '../session.ts';
import type { Description } from './description.ts';
import { conditionSection, headFields } from './standard-parts.ts';

export async function describeSecret(session: Session, secret: Resource): Promise<Description> {
  return {
    fields: [
      ...(await headFields(session, secret)),
      ['Keys', Object.keys(secret.spec['data'] ?? {}).join(', ')],
    ],
    sections: [conditionSection(session, secret)],
  };
}
