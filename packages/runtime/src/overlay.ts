/** Lists laid over each other by the names of their entries. */

export interface OverlayEntry {
  readonly name: string;
  /** Takes away what has the name, and is no entry of the result itself. */
  readonly isRemoval: boolean;
}

/**
 * The entries that are left when lists are laid over each other, the later over the earlier: an entry takes the place of the one
 * that had its name before, which may stand in the same list. A removal of what is not there changes nothing.
 */
export function overlay<T extends OverlayEntry>(...lists: readonly (readonly T[])[]): T[] {
  const byName = new Map<string, T>();
  for (const entry of lists.flat()) {
    if (entry.isRemoval) byName.delete(entry.name);
    else byName.set(entry.name, entry);
  }
  return [...byName.values()];
}
