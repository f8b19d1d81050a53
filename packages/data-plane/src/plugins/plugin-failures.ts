import type { PluginServices } from '@causeway/filters/plugin/plugin';
import type { Logger } from '@causeway/runtime/logger';
import type { ExchangeObserver } from '../proxy/exchange-record.ts';

/** Of one plugin, hook and cause so many are logged; all are counted. */
const loggedMax = 100;

/** Counts what plugins do wrong, and logs what the exchange does not tell of. */
export function pluginFailures(logger: Logger, observer: ExchangeObserver): PluginServices['onFailure'] {
  const logged = new Map<string, number>();
  return (plugin, hook, cause, error) => {
    observer.onPluginFailure(plugin, hook, cause);
    if (error === undefined) return;
    const key = `${plugin} ${hook} ${cause}`;
    const before = logged.get(key) ?? 0;
    if (before >= loggedMax) return;
    logged.set(key, before + 1);
    const last = before + 1 === loggedMax ? '; further ones are only counted' : '';
    logger.warn({ err: error, plugin, hook, cause }, `a plugin failed${last}`);
  };
}
