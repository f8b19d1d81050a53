/** Who may do what. */

import { CidrSet } from '@causeway/runtime/cidr-set';

import { byteString } from './byte-string.ts';
import type { Filter, FilterExchange, Refusal } from './filter.ts';
import { claimAt, type Identity } from './identity.ts';

/** All that is given must hold; an empty list is not given. */
export interface AuthorizeRule {
  readonly allow: boolean;
  /** Names of Consumers, or "provider/value". */
  readonly consumers: readonly string[];
  readonly groups: readonly string[];
  /** All of them. */
  readonly scopes: readonly string[];
  readonly claims: readonly { readonly name: string; readonly values: readonly string[] }[];
  readonly methods: readonly string[];
  /** Canonical; "/a" that path alone, "/a/*" that path and all below. */
  readonly paths: readonly string[];
  readonly addresses: readonly string[];
}

export interface AuthorizeSettings {
  /** In which names of Consumers mean something. */
  readonly namespace: string;
  readonly rules: readonly AuthorizeRule[];
}

type Condition = (exchange: FilterExchange) => boolean;

const refusal: Refusal = { kind: 'refusal', reason: 'forbidden' };

/** The first rule that holds decides; where none does the request is refused. Throws for what is no network. */
export function createAuthorizeFilter(name: string, settings: AuthorizeSettings): Filter {
  const rules = settings.rules.map((rule) => ({
    allow: rule.allow,
    conditions: conditionsOf(rule, settings.namespace),
  }));
  return {
    kind: 'authorize',
    name,
    demands: `authorize ${JSON.stringify(settings)}`,
    onRequestHead: (exchange) => {
      for (const { allow, conditions } of rules)
        if (holdAll(conditions, exchange)) return allow ? undefined : refusal;
      return refusal;
    },
  };
}

function holdAll(conditions: readonly Condition[], exchange: FilterExchange): boolean {
  for (const holds of conditions) if (!holds(exchange)) return false;
  return true;
}

/** The cheap ones first. */
function conditionsOf(rule: AuthorizeRule, namespace: string): Condition[] {
  const conditions: Condition[] = [];
  const methods = new Set(rule.methods);
  if (methods.size > 0) conditions.push(({ method }) => methods.has(method));
  if (rule.paths.length > 0) conditions.push(pathCondition(rule.paths));
  for (const holds of identityConditions(rule, namespace))
    conditions.push(({ identity }) => identity !== undefined && holds(identity));
  if (rule.addresses.length > 0) {
    const networks = new CidrSet(rule.addresses);
    conditions.push(({ clientAddress }) => networks.has(clientAddress));
  }
  return conditions;
}

function pathCondition(paths: readonly string[]): Condition {
  const exact = new Set(paths.filter((path) => !path.endsWith('/*')));
  const prefixes = paths.filter((path) => path.endsWith('/*')).map((path) => path.slice(0, -1));
  for (const prefix of prefixes) exact.add(prefix.slice(0, -1));
  return ({ path }) => exact.has(path) || prefixes.some((prefix) => path.startsWith(prefix));
}

/** Nobody holds what needs an identity. */
function identityConditions(rule: AuthorizeRule, namespace: string): ((identity: Identity) => boolean)[] {
  const conditions: ((identity: Identity) => boolean)[] = [];
  const consumers = new Set(rule.consumers.map(byteString));
  const groups = new Set(rule.groups.map(byteString));
  const scopes = rule.scopes.map(byteString);
  // A name of one namespace is somebody else in another one, and a value of a token is no name.
  if (consumers.size > 0)
    conditions.push(
      (identity) =>
        identity.consumer !== undefined &&
        identity.namespace === namespace &&
        identity.isConsumer !== identity.consumer.includes('/') &&
        consumers.has(identity.consumer),
    );
  if (groups.size > 0) conditions.push((identity) => identity.groups.some((group) => groups.has(group)));
  if (scopes.length > 0)
    conditions.push((identity) => scopes.every((scope) => identity.scopes.includes(scope)));
  for (const { name, values } of rule.claims) {
    const accepted = new Set(values);
    conditions.push(({ claims }) => isAccepted(claimAt(claims, name), accepted));
  }
  return conditions;
}

function isAccepted(value: unknown, accepted: ReadonlySet<string>): boolean {
  if (Array.isArray(value)) return value.some((each) => !Array.isArray(each) && isAccepted(each, accepted));
  const isSimple = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return isSimple && accepted.has(String(value));
}
