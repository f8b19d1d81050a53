/** `grpc-timeout`: eight digits at most, and a unit (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Timeout"). */

const timeoutText = /^(\d{1,8})([HMSmun])$/;
const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/** In milliseconds; undefined: it is none. */
export function parseTimeoutMs(text: string): number | undefined {
  const [, amount, unit] = timeoutText.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * unitMs[unit!]!;
}
