/** The version that this node tells: that of its package, which is one for all packages. */

import manifest from '../package.json' with { type: 'json' };

export const version: string = manifest.version;
