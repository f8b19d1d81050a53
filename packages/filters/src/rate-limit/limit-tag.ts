import { hash } from 'node:crypto';

/** Stands for a limit in a key of Redis: as good as unique, and short. */
export function limitTag(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 16);
}
