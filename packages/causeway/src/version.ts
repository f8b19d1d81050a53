/** The version of Causeway: one for all packages, kept in the manifest of this one. */

import manifest from '../package.json' with { type: 'json' };

export const version: string = manifest.version;
