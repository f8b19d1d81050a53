// Every fault has a short form, which each test run affords, and a long one, which `npm run test:soak` runs.

const isSoak = process.env['CAUSEWAY_TEST_SOAK'] === '1';

/** How often, how many or how long. */
export function scaled(short: number, soak: number): number {
  return isSoak ? soak : short;
}
