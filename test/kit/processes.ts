// The product as its users run it: real processes of the real executable, on free ports, in a data directory of their own.

import { join } from 'node:path';
import { AdminApi } from './admin.ts';
import { type Child, type ChildOptions, type LogLine, startChild } from './child.ts';
import type { Owner } from './owner.ts';
import { gateway, type Resource } from './resources.ts';
import { tempDir } from './temp-dir.ts';

/** The root of the repository. */
export const repository = join(import.meta.dirname, '../..');
const causeway = join(repository, 'packages/causeway/bin/causeway.cjs');

/** Starts `causeway COMMAND ...FLAGS` and returns at once: for commands and refusals that have no starter of their own. */
export function startCauseway(
  owner: Owner,
  command: string,
  flags: readonly string[],
  options: Pick<ChildOptions, 'stdoutFile' | 'env'> = {},
): Child {
  const args = [causeway, command, ...flags];
  return startChild(owner, {
    name: `causeway ${command}`,
    command: process.execPath,
    args,
    watchesParent: true,
    ...options,
  });
}

/** The port in the newest `listening` line of a listener; waits for the first one. */
export async function listeningPort(child: Child, listener: string, name?: string): Promise<number> {
  const isIt = (line: LogLine): boolean =>
    line.msg === 'listening' &&
    line['listener'] === listener &&
    (name === undefined || line['name'] === name);
  const first = await child.waitForLog(`listening, listener ${listener} ${name ?? ''}`, isIt);
  return Number((child.logs.findLast(isIt) ?? first)['port']);
}

export interface ControlPlaneOptions {
  /** Default: a new temporary directory. */
  dataDir?: string;
  flags?: readonly string[];
}

/** Starts a control plane on free ports and waits until both are open. */
export async function startControlPlane(
  owner: Owner,
  options: ControlPlaneOptions = {},
): Promise<ControlPlane> {
  const controlPlane = new ControlPlane(
    owner,
    options.dataDir ?? (await tempDir(owner)),
    options.flags ?? [],
  );
  await controlPlane.start();
  return controlPlane;
}

/** A control plane that can be stopped, killed and started again with its data and, so that nodes find it, its ports. */
export class ControlPlane {
  readonly dataDir: string;
  adminPort = 0;
  streamPort = 0;
  readonly #owner: Owner;
  readonly #flags: readonly string[];
  #child: Child | undefined;

  constructor(owner: Owner, dataDir: string, flags: readonly string[]) {
    this.#owner = owner;
    this.dataDir = dataDir;
    this.#flags = flags;
  }

  get child(): Child {
    return running(this.#child, 'the control plane');
  }

  get admin(): AdminApi {
    return new AdminApi(`http://127.0.0.1:${this.adminPort}`, join(this.dataDir, 'admin.token'));
  }

  /** For `GWCTL_CONFIG`. */
  get gwctlConfig(): string {
    return join(this.dataDir, 'gwctl.yaml');
  }

  get nodeTokenFile(): string {
    return join(this.dataDir, 'node.token');
  }

  async start(): Promise<void> {
    const { dataDir, adminPort, streamPort } = this;
    const addresses = ['--admin-addr', `127.0.0.1:${adminPort}`, '--stream-addr', `127.0.0.1:${streamPort}`];
    const flags = ['--data-dir', dataDir, ...addresses, ...this.#flags];
    this.#child = startCauseway(this.#owner, 'control-plane', flags);
    this.adminPort = await listeningPort(this.#child, 'admin');
    this.streamPort = await listeningPort(this.#child, 'stream');
  }

  async stop(): Promise<void> {
    await this.child.stop();
  }

  async kill(): Promise<void> {
    await this.child.kill();
  }
}

export interface NodeOptions {
  controlPlane: ControlPlane;
  /** Default `node-1`. */
  id?: string;
  /** The Gateway that it joins; default `default`. */
  gateway?: string;
  /** Default: a new temporary directory. */
  dataDir?: string;
  /** Threads that proxy; default 2, so that what they share is tested everywhere, on whatever machine. */
  workers?: number;
  flags?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

/** Starts a node and waits until its status listener is open; `trafficUrl` waits until it has a table. */
export async function startNode(owner: Owner, options: NodeOptions): Promise<DataPlaneNode> {
  const node = new DataPlaneNode(owner, options, options.dataDir ?? (await tempDir(owner)));
  await node.start();
  return node;
}

/** A node that can be stopped, killed and started again with its data; its traffic port then is another one. */
export class DataPlaneNode {
  readonly id: string;
  readonly dataDir: string;
  readonly #owner: Owner;
  readonly #options: NodeOptions;
  #child: Child | undefined;

  constructor(owner: Owner, options: NodeOptions, dataDir: string) {
    this.#owner = owner;
    this.#options = options;
    this.id = options.id ?? 'node-1';
    this.dataDir = dataDir;
  }

  get child(): Child {
    return running(this.#child, `node ${this.id}`);
  }

  async start(): Promise<void> {
    const { controlPlane, gateway: joined = 'default', workers = 2, flags = [], env = {} } = this.#options;
    const joins = ['--control-plane', `127.0.0.1:${controlPlane.streamPort}`, '--gateway', joined];
    const proves = ['--node-id', this.id, '--node-token-file', controlPlane.nodeTokenFile];
    const keeps = ['--data-dir', this.dataDir, '--status-addr', '127.0.0.1:0'];
    const all = [...joins, ...proves, ...keeps, '--workers', String(workers), ...flags];
    this.#child = startCauseway(this.#owner, 'data-plane', all, { env });
    await listeningPort(this.#child, 'status');
  }

  async stop(): Promise<void> {
    await this.child.stop();
  }

  async kill(): Promise<void> {
    await this.child.kill();
  }

  async statusUrl(): Promise<string> {
    return `http://127.0.0.1:${await listeningPort(this.child, 'status')}`;
  }

  /** The port of a listener of the node's Gateway, the newest one when no name is given; waits until it is open. */
  async trafficPort(listenerName?: string): Promise<number> {
    return listeningPort(this.child, 'http', listenerName);
  }

  async trafficUrl(listenerName?: string): Promise<string> {
    return `http://127.0.0.1:${await this.trafficPort(listenerName)}`;
  }
}

export interface SystemOptions {
  /** Ids of the nodes; default `['node-1']`. */
  nodes?: readonly string[];
  /** Applied before the nodes start; default `[gateway()]`. Without a Gateway every node would take port 8080. */
  resources?: string | readonly Resource[];
  /** Of each node, as in `NodeOptions`. */
  workers?: number;
  nodeFlags?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

/** A control plane with nodes that all serve `resources`. */
export interface System {
  readonly controlPlane: ControlPlane;
  readonly nodes: readonly DataPlaneNode[];
  readonly admin: AdminApi;
  /** Applies documents and returns their revision once every running node holds it; throws when one rejects it. */
  apply(resources: string | readonly Resource[]): Promise<number>;
}

export async function startSystem(owner: Owner, options: SystemOptions = {}): Promise<System> {
  const { nodes: ids = ['node-1'], resources = [gateway()], workers = 2, env = {} } = options;
  const { nodeFlags: flags = [] } = options;
  const controlPlane = await startControlPlane(owner);
  const { admin } = controlPlane;
  const revision = await admin.apply(resources);
  const nodes = await Promise.all(
    ids.map((id) => startNode(owner, { controlPlane, id, workers, flags, env })),
  );
  await admin.waitUntilApplied(revision, ids);
  return {
    controlPlane,
    nodes,
    admin,
    async apply(changed) {
      const next = await admin.apply(changed);
      await admin.waitUntilApplied(
        next,
        nodes.filter(({ child }) => child.running).map(({ id }) => id),
      );
      return next;
    },
  };
}

function running(child: Child | undefined, what: string): Child {
  if (child === undefined) throw new Error(`${what} was not started`);
  return child;
}
