/** The modules of plugins that a worker has loaded from the node's directory. */

import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CreatePlugin } from '@causeway/filters/plugin/plugin';
import { messageOf, systemCodeOf } from '@causeway/runtime/errors';

/** Why a plugin cannot be had here: a reason of a Nack. */
export class PluginFault extends Error {
  readonly reason: 'plugin_missing' | 'plugin_failed';

  constructor(reason: PluginFault['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Where the code of the node is. */
const ownCode = new URL('../../..', import.meta.url).href;

/** A module that awaits something at its top level may take so long. */
const loadMsMax = 5000;

export class PluginModules {
  readonly #directory: string | undefined;
  readonly #loaded = new Map<string, CreatePlugin>();

  /** `directory` undefined: the node takes no plugins. */
  constructor(directory?: string) {
    this.#directory = directory;
  }

  /** Loads what is not loaded, or has another file since. Throws PluginFault. */
  async load(module: string): Promise<void> {
    if (this.#directory === undefined)
      throw new PluginFault('plugin_missing', `plugin ${module}: this node runs without --plugin-dir`);
    const url = await pluginFile(this.#directory, module);
    const create = await defaultExport(module, url);
    this.#loaded.set(module, create);
  }

  /** Throws PluginFault for one that is not loaded. */
  get(module: string): CreatePlugin {
    const create = this.#loaded.get(module);
    if (create === undefined) throw new PluginFault('plugin_missing', `plugin ${module} is not loaded`);
    return create;
  }

  /** The plugin whose code an error comes from that nobody caught, as far as its stack says; undefined: it is one of ours. */
  culprit(error: unknown): string | undefined {
    if (this.#loaded.size === 0) return undefined;
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    const named = this.#loaded.keys().find((module) => stack.includes(`${this.#urlOf(module)}?`));
    if (named !== undefined) return named;
    // Of a file that it imports, or of the runtime alone: a value that is no error, a socket that nobody listens to.
    const isOurs = stack.includes(ownCode) && !stack.includes(pathToFileURL(this.#directory ?? '').href);
    if (isOurs) return undefined;
    return this.#loaded.size === 1 ? [...this.#loaded.keys()][0] : 'unknown';
  }

  #urlOf(module: string): string {
    return pathToFileURL(join(this.#directory ?? '', `${module}.mjs`)).href;
  }
}

/** Its URL. A name, not a path: the file stands in the directory itself, and no link leads out of it. Of a changed file another URL, since modules are kept by it. Throws PluginFault. */
export async function pluginFile(directory: string, module: string): Promise<string> {
  const name = `${module}.mjs`;
  try {
    const inside = (await realpath(directory)) + sep;
    const path = await realpath(join(directory, name));
    if (!path.startsWith(inside))
      throw new PluginFault('plugin_missing', `plugin ${module}: ${name} leads out of the --plugin-dir`);
    const { mtimeMs } = await stat(path);
    return `${pathToFileURL(join(directory, name)).href}?${mtimeMs}`;
  } catch (error) {
    if (error instanceof PluginFault) throw error;
    const why = systemCodeOf(error) === 'ENOENT' ? `no file ${name} in ${directory}` : messageOf(error);
    throw new PluginFault('plugin_missing', `plugin ${module}: ${why}`);
  }
}

async function defaultExport(module: string, url: string): Promise<CreatePlugin> {
  const failed = (why: string): PluginFault => new PluginFault('plugin_failed', `plugin ${module}: ${why}`);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(failed(`was not loaded after ${loadMsMax / 1000} s`)), loadMsMax);
  });
  try {
    const loaded = (await Promise.race([import(url), late])) as { default?: unknown };
    if (typeof loaded.default !== 'function') throw failed('its default export is no function');
    return loaded.default as CreatePlugin;
  } catch (error) {
    throw error instanceof PluginFault ? error : failed(messageOf(error));
  } finally {
    clearTimeout(timer);
  }
}
