/** How a try of a request on an endpoint ended: the status of its answer, or one of `TryFailure`. */
export type TryOutcome = number;

export const TryFailure = {
  connectFailure: -1,
  /** The connection ended before the response did. */
  reset: -2,
  timeout: -3,
  protocolError: -4,
  /** Not the endpoint's doing: the client left, or nothing was sent. */
  abandoned: -5,
} as const;

/** Whether it speaks against the endpoint. */
export function isFailure(outcome: TryOutcome): boolean {
  return outcome >= 500 || (outcome < 0 && outcome !== TryFailure.abandoned);
}
