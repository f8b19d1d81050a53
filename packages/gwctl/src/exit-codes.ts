/** What a command's exit code says, as scripts may rely on. Ctrl-C is 130, as a shell has it. */
export const exitCodes = {
  ok: 0,
  /** The command failed, or `diff` found differences. */
  failed: 1,
  differs: 1,
  /** Wrong usage, or input that is not valid. */
  invalid: 2,
  /** Somebody else changed it, it is referenced, or a guard held. */
  conflict: 3,
  /** The change is stored, and a node cannot run it. */
  rejected: 4,
  timedOut: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
