/** JSON Pointers (RFC 6901). */

/** The keys on the way, from the root; undefined of a text that is no pointer. */
export function parseJsonPointer(text: string): string[] | undefined {
  if (text === '') return [];
  if (!/^(\/([^~/]|~[01])*)+$/s.test(text)) return undefined;
  return text
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

export function formatJsonPointer(keys: readonly string[]): string {
  return keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
