// The promise of the whole design: a change of configuration is nothing that a client could notice.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '../../kit/eventually.ts';
import { startSwapping } from '../../kit/swapping.ts';

/** A short form by default; the soak run takes the number of the requirement, 1,000. */
const swaps = Number(process.env['CAUSEWAY_TEST_SWAPS'] ?? 50);

describe('hot swap', () => {
  it(`invariant 12 and invariant 2: ${swaps} swaps under load fail no request, and no answer mixes two tables`, async (t) => {
    const swapping = await startSwapping(t);
    const loads = [
      swapping.startLoad('keep-alive', 4),
      swapping.startLoad('close', 2),
      swapping.startTlsLoad(2),
      swapping.startHttp2Load('http', 1),
      swapping.startHttp2Load('https', 1),
    ];
    await eventually(() => loads.every(({ result }) => result.ok > 0), { what: 'the load runs' });
    for (let swap = 0; swap < swaps; swap += 1) await swapping.swap();
    const results = await Promise.all(loads.map((load) => load.stop()));
    for (const { failed, reasons } of results) assert.deepEqual([failed, reasons], [0, {}]);
    const [even, odd] = swapping.answers;
    assert.ok(even > 0 && odd > 0, `${even} and ${odd} answers of the two tables`);
    t.diagnostic(`${even + odd} requests, ${swaps} swaps`);
  });
});
