import type { ApiProblem } from '@causeway/model/api-types';
import { apiKeyComplaint, type ConsumerSpec, passwordComplaint } from '@causeway/model/kinds/consumer';
import { pathOf } from '@causeway/model/problem';
import { valueAt } from '@causeway/model/value-at';
import { fieldOf } from '@causeway/model/kinds/kind';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import { secretAt } from '../store/secret-at.ts';
import type { ReadSecret } from '../store/secret-values.ts';

/** Something that stands for a Consumer. */
interface Credential {
  /** Equal of what is the same; of keys a keyed digest. */
  identity: string;
  pointer: string;
  /** `key "ci"`, for people. */
  noun: string;
}

/**
 * What holds between the Consumers of a namespace, and the Secrets that their keys are in: a key, user name, token or certificate stands
 * for one Consumer alone. Checked from whichever is written. Keys are read, and never quoted.
 */
export function checkConsumers(
  planned: ResourceView,
  writtenKeys: readonly string[],
  readSecret: ReadSecret,
): ApiProblem[] {
  const written = new Set(writtenKeys);
  const concerned = new Map<Entry, string>();
  for (const key of writtenKeys) {
    const entry = planned.get(key);
    if (entry?.resource.kind === 'Consumer') concerned.set(entry, key);
    if (entry?.resource.kind !== 'Secret') continue;
    for (const referrer of planned.referrersOf(key)) {
      const consumer = planned.get(referrer);
      // What is written itself speaks for itself.
      if (consumer?.resource.kind === 'Consumer' && !written.has(referrer)) concerned.set(consumer, key);
    }
  }
  if (concerned.size === 0) return [];
  const problems = [...concerned].flatMap(([consumer, cause]) =>
    [...takenNames(consumer), ...secretProblems(consumer, planned, readSecret)].map((problem) =>
      causedBy(cause, consumer, problem),
    ),
  );
  return [...problems, ...ambiguous(concerned, planned)];
}

type Found = Pick<ApiProblem, 'code' | 'pointer' | 'detail'>;

/** A name stands for one key, whoever made it. */
function takenNames(consumer: Entry): Found[] {
  const made = new Set(consumer.resource.serverKeys?.map(({ name }) => name));
  const { keys } = consumer.effective as ConsumerSpec;
  return keys.flatMap(({ name }, index): Found[] => {
    if (!made.has(name)) return [];
    const detail = `the control plane has made a key ${JSON.stringify(name)} for this Consumer`;
    return [{ code: 'duplicate', pointer: `/spec/keys/${index}/name`, detail }];
  });
}

/** Texts that stand in a Secret, or were kept, have not been looked at by the schema. */
function secretProblems(consumer: Entry, planned: ResourceView, readSecret: ReadSecret): Found[] {
  const { keys, passwords } = consumer.effective as ConsumerSpec;
  const check = (pointer: string, complaintAbout: (text: string) => string | undefined): Found[] => {
    const path = pathOf(pointer).slice(1);
    const reference = secretAt(consumer, path, planned);
    if (reference === undefined) {
      const named = valueAt(consumer.resource.spec, path);
      const target = consumer.references.find((each) => each.pointer === `${pointer}/secret`)?.target;
      // A Secret that is not there is an unknown reference already.
      if (target === undefined || !planned.get(target)) return [];
      const detail = `${target} has no key ${JSON.stringify(fieldOf(named, 'key'))}`;
      return [{ code: 'bad_format', pointer: `${pointer}/key`, detail }];
    }
    const text = readSecret(reference.secretRef);
    const detail = text === undefined ? 'is not in the store' : complaintAbout(text);
    return detail === undefined ? [] : [{ code: 'bad_format', pointer, detail }];
  };
  return [
    ...keys.flatMap((_, index) => check(`/spec/keys/${index}/value`, apiKeyComplaint)),
    ...passwords.flatMap((_, index) => check(`/spec/passwords/${index}/password`, passwordComplaint)),
  ];
}

function ambiguous(concerned: ReadonlyMap<Entry, string>, planned: ResourceView): ApiProblem[] {
  const owners = new Map<string, { consumer: Entry; noun: string }>();
  const place = (consumer: Entry, identity: string): string =>
    `${consumer.resource.metadata.namespace} ${identity}`;
  // Those that stay as they are come first: the problem is that of what is new.
  const wanted = new Set(
    [...concerned.keys()].flatMap((consumer) =>
      credentialsOf(consumer, planned).map(({ identity }) => place(consumer, identity)),
    ),
  );
  for (const consumer of planned.entriesOf('Consumer')) {
    if (concerned.has(consumer)) continue;
    for (const { identity, noun } of credentialsOf(consumer, planned))
      if (wanted.has(place(consumer, identity))) owners.set(place(consumer, identity), { consumer, noun });
  }
  return [...concerned].flatMap(([consumer, cause]) =>
    credentialsOf(consumer, planned).flatMap(({ identity, noun, pointer }): ApiProblem[] => {
      const owner = owners.get(place(consumer, identity));
      if (owner === undefined) {
        owners.set(place(consumer, identity), { consumer, noun });
        return [];
      }
      const detail = `the same as ${owner.noun} of ${owner.consumer.key}, and one must stand for one Consumer alone`;
      return [causedBy(cause, consumer, { code: 'duplicate', pointer, detail })];
    }),
  );
}

/** Of a Consumer that refers to no Secret they are its own, and stay. */
const known = new WeakMap<Entry, readonly Credential[]>();

function credentialsOf(consumer: Entry, resources: ResourceView): readonly Credential[] {
  const before = known.get(consumer);
  if (before !== undefined) return before;
  const { keys, passwords, jwt, clientCertificates } = consumer.effective as ConsumerSpec;
  const found = [
    ...keys.flatMap(({ name }, index): Credential[] => {
      const digest = secretAt(consumer, ['keys', String(index), 'value'], resources)?.digest;
      const pointer = `/spec/keys/${index}/value`;
      return digest === undefined
        ? []
        : [{ identity: `key ${digest}`, pointer, noun: `key ${JSON.stringify(name)}` }];
    }),
    ...passwords.map(({ username }, index): Credential => {
      const pointer = `/spec/passwords/${index}/username`;
      return { identity: `user ${username}`, pointer, noun: `user name ${JSON.stringify(username)}` };
    }),
    ...jwt.map(({ provider, value }, index): Credential => {
      const pointer = `/spec/jwt/${index}`;
      return { identity: `token ${provider} ${value}`, pointer, noun: `token of ${provider}` };
    }),
    ...clientCertificates.map((certificate, index): Credential => {
      const [[field, value] = ['', '']] = Object.entries(certificate);
      const pointer = `/spec/clientCertificates/${index}`;
      return { identity: `certificate ${field} ${value}`, pointer, noun: `certificate of ${field}` };
    }),
  ];
  if (!consumer.references.some(({ kind }) => kind === 'Secret')) known.set(consumer, found);
  return found;
}

function causedBy(cause: string, consumer: Entry, problem: Found): ApiProblem {
  if (cause === consumer.key) return { resource: cause, ...problem };
  const detail = `${consumer.key} ${problem.pointer}: ${problem.detail}`;
  return { resource: cause, code: problem.code, pointer: '/spec/data', detail };
}
