// Clean-up in reverse order of acquisition: node:test runs `after` hooks first in, first out, which would remove a data
// directory before the process that writes into it has stopped.

type Cleanup = () => void | Promise<void>;

/** Whatever outlives what it starts: a test's context, or an `OwnScope` outside of tests. */
export interface Owner {
  after(cleanup: Cleanup): void;
}

const stacks = new WeakMap<Owner, Cleanup[]>();

/** Runs `cleanup` when `owner` ends: last registered first, each one even when another failed. */
export function onEnd(owner: Owner, cleanup: Cleanup): void {
  const known = stacks.get(owner);
  if (known !== undefined) {
    known.push(cleanup);
    return;
  }
  const stack = [cleanup];
  stacks.set(owner, stack);
  owner.after(() => unwind(stack));
}

/** An owner for programs that are no tests, such as benches; `end` must be awaited. */
export class OwnScope implements Owner {
  readonly #cleanups: Cleanup[] = [];

  after(cleanup: Cleanup): void {
    this.#cleanups.push(cleanup);
  }

  async end(): Promise<void> {
    await unwind(this.#cleanups);
  }
}

async function unwind(stack: Cleanup[]): Promise<void> {
  const failures: unknown[] = [];
  for (let cleanup = stack.pop(); cleanup !== undefined; cleanup = stack.pop()) {
    try {
      await cleanup();
    } catch (failure) {
      failures.push(failure);
    }
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, failures.map(String).join('\n'));
}
