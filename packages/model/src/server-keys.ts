/** API keys of Consumers that the control plane makes itself. */

/** What such keys begin with. No key that a user gives may, so that nobody can take one over. */
export const serverKeyMark = 'cwk_';

/** Keys of one Consumer that may be good at a time. */
export const serverKeysMax = 128;

/** How the store keeps a key, beside the spec of its Consumer: apply and undo, which write specs, leave it alone. */
export interface ServerKey {
  name: string;
  /** How its text begins, to tell people which one it is. */
  prefix: string;
  /** Keyed hash of its text, in base64. The text is nowhere. */
  hash: string;
  /** RFC 3339, UTC, as is `expiresAt`. */
  createdAt: string;
  /** Absent: never. */
  expiresAt?: string;
  /** A younger key of the same name has taken its place; it is good for the rest of the overlap. */
  replaced?: true;
}

/** A key as the status of its Consumer shows it; of keys in the spec only what is known of them. */
export interface KeyStatus {
  name: string;
  source: 'server' | 'spec';
  prefix?: string;
  createdAt?: string;
  expiresAt?: string;
  replaced?: true;
  /** By any node, as far as they have told; a minute old at most. Absent: never. */
  lastUsedAt?: string;
}

/** The answer to a key that was made: the only time that its text is told. */
export interface MadeKey {
  name: string;
  key: string;
  prefix: string;
  expiresAt?: string;
}
