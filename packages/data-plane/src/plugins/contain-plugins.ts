import type { PluginModules } from './plugin-modules.ts';

/**
 * Keeps errors that plugins let loose, and their wish to end the process, from ending the worker. Code that means harm is not kept from
 * it: plugins run in the process.
 */
export function containPlugins(
  modules: PluginModules,
  onStray: (plugin: string, error: unknown) => void,
): void {
  const exit = process.exit.bind(process);
  process.exit = (): never => {
    throw new Error('a plugin may not end its node');
  };
  // Rejections that nobody handles come here too.
  process.on('uncaughtException', (error) => {
    const plugin = modules.culprit(error);
    if (plugin === undefined) {
      // The runtime ends the worker by it.
      process.exit = exit;
      throw error;
    }
    onStray(plugin, error);
  });
}
