import type { z } from 'zod';
import { cidr, list, object, say } from '../fields.ts';
import type { FilterKind } from './filter-kind.ts';

const networksMax = 256;

const ipRestrictionSpec = object(
  {
    allow: list(cidr, {
      description: 'Networks that may come in. Empty: all that are not denied.',
      max: networksMax,
      key: '',
    }).default([]),
    deny: list(cidr, {
      description: 'Networks that may not, whatever allow says.',
      max: networksMax,
      key: '',
    }).default([]),
  },
  'Who may come in, by address of the client: behind trusted proxies the one that they tell. Others get 403 forbidden.',
).superRefine(({ allow, deny }, context) => {
  if (allow.length > 0 || deny.length > 0) return;
  context.addIssue({ code: 'custom', message: say('missing', 'needs allow, deny or both') });
});

export type IpRestrictionSpec = z.output<typeof ipRestrictionSpec>;

export const ipRestrictionFilter: FilterKind<typeof ipRestrictionSpec> = {
  key: 'ipRestriction',
  spec: ipRestrictionSpec,
  phase: 'address',
  mayRepeat: false,
  mayBeShadowed: true,
  summary: ({ allow, deny }) =>
    [
      'ipRestriction',
      ...(deny.length > 0 ? [`deny ${deny.length}`] : []),
      ...(allow.length > 0 ? [`allow ${allow.length}`] : []),
    ].join(' '),
};
