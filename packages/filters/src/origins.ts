/** Which origins are listed. */

/** What may stand for "*." of a listed origin: one or more labels. A "/", ":" or "@" would make it another origin. */
const labelsPattern = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;

/** Whether an origin, as it stands in the header, whatever a client wrote, is one of these: exact, or with "*." before a suffix of hosts. */
export function originMatcher(origins: readonly string[]): (origin: string) => boolean {
  const exact = new Set(origins.filter((origin) => !origin.includes('*')));
  const suffixes = origins
    .filter((origin) => origin.includes('*'))
    .map((origin) => origin.split('*') as [scheme: string, suffix: string]);
  return (written) => {
    if (exact.has(written)) return true;
    // RFC 6454 section 4: scheme and host are lower case in an origin; who writes them otherwise means the same.
    const origin = written.toLowerCase();
    if (exact.has(origin)) return true;
    return suffixes.some(
      ([scheme, suffix]) =>
        origin.length > scheme.length + suffix.length &&
        origin.startsWith(scheme) &&
        origin.endsWith(suffix) &&
        labelsPattern.test(origin.slice(scheme.length, -suffix.length)),
    );
  };
}
