import { z } from 'zod';
import { heard, object, name, say, shown } from './fields.ts';
import { didYouMean, unknownFieldHint } from './hints.ts';
import { type Kind } from './kinds/kind.ts';
import { kindFieldHint, kindNamed, kinds } from './kinds/registry.ts';
import { compareProblems, type Problem, pointerOf } from './problem.ts';
import {
  apiVersion,
  defaultNamespace,
  type Manifest,
  reservedAnnotationPrefix,
  type Spec,
} from './resource.ts';

/** All annotations of one object together, in characters. */
const annotationsSizeMax = 64 * 1024;
const labelsMax = 64;
/** Containers nested deeper than this are refused before anything walks them recursively. */
const depthMax = 64;
/** Entries of all mappings and lists of one object together; the largest that the schemas take has some 12,000. */
const valuesMax = 20_000;
/** Unknown fields of one mapping that get a hint: finding the field that was meant costs more than the complaint. */
const hintsMax = 20;

const labelKey = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

function stringMap(what: string, checkEntry: (key: string, value: string) => string | undefined) {
  return z
    .record(
      z.string(),
      z.string({
        error: (issue) =>
          say(
            'wrong_type',
            `${shown(issue.input)} is not a string`,
            `write ${JSON.stringify(String(issue.input))}`,
          ),
      }),
      { error: (issue) => say('wrong_type', `${shown(issue.input)} is not a mapping`) },
    )
    .superRefine((map, context) => {
      for (const [key, value] of Object.entries(map)) {
        const complaint = labelKey.test(key)
          ? checkEntry(key, value)
          : `${shown(key)} is not a key of ${what}`;
        if (complaint !== undefined)
          context.addIssue({ code: 'custom', path: [key], message: say('bad_format', complaint) });
      }
    });
}

const labels = stringMap('labels', (_key, value) =>
  labelValue.test(value)
    ? undefined
    : `${shown(value)} is not a label value (at most 63 letters, digits, "-", "_", ".")`,
).superRefine((map, context) => {
  if (Object.keys(map).length > labelsMax)
    context.addIssue({ code: 'custom', message: say('out_of_range', `more than ${labelsMax} labels`) });
});

const annotations = stringMap('annotations', () => undefined).superRefine((map, context) => {
  const size = Object.entries(map).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  if (size > annotationsSizeMax)
    context.addIssue({ code: 'custom', message: say('out_of_range', 'more than 64KiB in all') });
});

// `resourceVersion` is compared with the stored one; what else the server sets is accepted and dropped, so that the
// output of a read can be written back.
const metadata = object({
  name,
  namespace: name.optional(),
  labels: labels.optional(),
  annotations: annotations.optional(),
  resourceVersion: z
    .string({
      error: (issue) =>
        say('wrong_type', `${shown(issue.input)} is not a string`, `write "${String(issue.input)}"`),
    })
    .regex(/^[0-9]{1,16}$/, {
      error: (issue) => say('bad_format', `${shown(issue.input)} is not a resourceVersion`),
    })
    .optional(),
  uid: z.unknown().optional(),
  generation: z.unknown().optional(),
  creationTimestamp: z.unknown().optional(),
});

export type ValidatedDocument =
  | { manifest: Manifest; problems?: never }
  | { manifest?: never; problems: Problem[] };

/**
 * Validates one document against the schema of its kind; references are not looked at. Returns the sparse manifest
 * (nulls and server-set fields removed, namespace filled in) or all problems, sorted. The argument is not changed.
 */
export function validateDocument(document: unknown, options: { namespace?: string } = {}): ValidatedDocument {
  if (!isMapping(document)) {
    return {
      problems: [
        {
          code: 'wrong_type',
          pointer: '',
          detail: `${shown(document)} is not a resource`,
          hint: 'a resource is a mapping with apiVersion, kind, metadata and spec',
        },
      ],
    };
  }
  const shape = shapeOf(document);
  if (shape.excess) return { problems: [shape.excess] };
  const sparse = withoutNulls(document) as Record<string, unknown>;
  const kind = typeof sparse['kind'] === 'string' ? kindNamed(sparse['kind']) : undefined;
  const spec = sparse['spec'] ?? {};
  const problems = [...shape.problems, ...envelopeProblems(sparse, kind)];
  const meta = metadata.safeParse(sparse['metadata']);
  if (!meta.success) problems.push(...problemsOf(meta.error, ['metadata'], []));
  else problems.push(...metadataProblems(meta.data, kind));
  if (kind?.spec) problems.push(...specProblems(kind, spec));
  if (problems.length > 0 || !meta.success || !kind) return { problems: problems.toSorted(compareProblems) };
  return { manifest: manifestOf(kind, meta.data, spec as Spec, options.namespace) };
}

/** Problems of a sparse spec against its kind's schema, with pointers that begin with `/spec`. */
export function specProblems(kind: Kind, spec: unknown): Problem[] {
  const parsed = kind.spec!.safeParse(spec);
  return [
    ...(parsed.success ? [] : problemsOf(parsed.error, ['spec'], kind.plannedFields)),
    ...(kind.check?.(spec) ?? []),
  ];
}

/** Validates a value that is no resource, such as the body of a call, against its schema. */
export function validateShape<S extends z.ZodType>(
  schema: S,
  value: unknown,
): { value: z.output<S>; problems?: never } | { value?: never; problems: Problem[] } {
  const parsed = schema.safeParse(value);
  return parsed.success
    ? { value: parsed.data }
    : { problems: problemsOf(parsed.error, [], []).toSorted(compareProblems) };
}

/** The effective spec: the sparse one, which has been validated, with every default filled in. */
export function effectiveSpec<S extends z.ZodType>(kind: Kind<S>, spec: Spec): z.output<S> {
  return kind.spec!.parse(spec);
}

/**
 * A copy in which every mapping has lost the entries whose value is null, since in our documents null means absent, and
 * `__proto__`, which validation complains about.
 */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, entry]) =>
      entry === null || entry === undefined || key === '__proto__' ? [] : [[key, withoutNulls(entry)]],
    ),
  );
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is wrong with a document whatever its kind: `excess` is what nothing may even look at closer. */
interface Shape {
  excess: Problem | undefined;
  /** Keys `__proto__`: own or inherited depends on who reads them, and zod's records skip them unseen. */
  problems: Problem[];
}

function shapeOf(document: unknown): Shape {
  const shape: Shape = { excess: undefined, problems: [] };
  let values = 0;
  const excess = (detail: string): void =>
    void (shape.excess ??= { code: 'out_of_range', pointer: '', detail });
  const walk = (value: unknown, path: readonly string[]): void => {
    if (typeof value !== 'object' || value === null) return;
    if (path.length === depthMax) return excess(`nested deeper than ${depthMax} levels`);
    for (const [key, entry] of Object.entries(value)) {
      if (shape.excess) return;
      if (++values > valuesMax) return excess(`more than ${valuesMax} values`);
      const at = [...path, key];
      if (key === '__proto__')
        shape.problems.push({ code: 'unknown_field', pointer: pointerOf(at), detail: 'unknown field' });
      else walk(entry, at);
    }
  };
  walk(document, []);
  return shape;
}

const envelopeFields = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

function* envelopeProblems(document: Record<string, unknown>, kind: Kind | undefined): Generator<Problem> {
  const version = document['apiVersion'];
  if (version === undefined)
    yield {
      code: 'missing',
      pointer: '/apiVersion',
      detail: 'required',
      hint: `write apiVersion: ${apiVersion}`,
    };
  else if (version !== apiVersion)
    yield {
      code: 'bad_format',
      pointer: '/apiVersion',
      detail: `${shown(version)} is not an API version`,
      hint: `did you mean "${apiVersion}"?`,
    };
  const given = document['kind'];
  const writable = kinds.filter((known) => known.spec).map((known) => known.kind);
  if (given === undefined)
    yield { code: 'missing', pointer: '/kind', detail: `required: one of ${writable.join(', ')}` };
  else if (kind === undefined)
    yield withHint(
      { code: 'bad_format', pointer: '/kind', detail: `${shown(given)} is not a kind` },
      (typeof given === 'string' ? kindFieldHint(given) : undefined) ?? `kinds: ${writable.join(', ')}`,
    );
  else if (!kind.spec)
    yield { code: 'not_allowed_here', pointer: '/kind', detail: `${kind.kind} is read-only` };
  for (const field of Object.keys(document)) {
    if (envelopeFields.includes(field)) continue;
    yield withHint(
      { code: 'unknown_field', pointer: pointerOf([field]), detail: 'unknown field' },
      didYouMean(field, envelopeFields),
    );
  }
}

function* metadataProblems(meta: z.output<typeof metadata>, kind: Kind | undefined): Generator<Problem> {
  if (kind && !kind.namespaced && meta.namespace !== undefined) {
    yield {
      code: 'not_allowed_here',
      pointer: '/metadata/namespace',
      detail: `a ${kind.kind} is cluster-wide and has no namespace`,
      hint: 'remove it',
    };
  }
}

function manifestOf(
  kind: Kind,
  meta: z.output<typeof metadata>,
  spec: Spec,
  namespace = defaultNamespace,
): Manifest {
  const ours = Object.entries(meta.annotations ?? {}).filter(
    ([key]) => !key.startsWith(reservedAnnotationPrefix),
  );
  return {
    apiVersion,
    kind: kind.kind,
    metadata: {
      name: meta.name,
      ...(kind.namespaced ? { namespace: meta.namespace ?? namespace } : {}),
      ...(meta.labels && Object.keys(meta.labels).length > 0 ? { labels: meta.labels } : {}),
      ...(ours.length > 0 ? { annotations: Object.fromEntries(ours) } : {}),
      ...(meta.resourceVersion === undefined ? {} : { resourceVersion: meta.resourceVersion }),
    },
    spec,
  };
}

function withHint(problem: Problem, hint: string | undefined): Problem {
  return hint === undefined ? problem : { ...problem, hint };
}

function problemsOf(error: z.ZodError, root: readonly string[], planned: readonly string[]): Problem[] {
  return error.issues.flatMap((issue) => issueProblems(issue, root, planned));
}

function issueProblems(
  issue: z.core.$ZodIssue,
  root: readonly string[],
  planned: readonly string[],
): Problem[] {
  const at = (path: readonly PropertyKey[]): string => pointerOf([...root, ...path]);
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message.split(' ');
    return issue.keys.map((key, index) => {
      const hint = planned.includes(key)
        ? 'this version has no such field yet'
        : index < hintsMax
          ? unknownFieldHint(key, known)
          : undefined;
      return withHint(
        { code: 'unknown_field', pointer: at([...issue.path, key]), detail: 'unknown field' },
        hint,
      );
    });
  }
  if (issue.code === 'invalid_key') {
    return issue.issues.flatMap((inner) => issueProblems({ ...inner, path: issue.path }, root, planned));
  }
  return [
    {
      ...(heard(issue.message) ?? { code: 'bad_format' as const, detail: issue.message }),
      pointer: at(issue.path),
    },
  ];
}
