import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { until } from '../testing/http-client.ts';
import { EventLoopDelay } from './event-loop-delay.ts';

describe('EventLoopDelay', () => {
  it('sees a pause, and forgets it once it is told', async (context) => {
    const delay = new EventLoopDelay();
    context.after(() => delay.stop());
    let ticks = 0;
    const ticking = setInterval(() => (ticks += 1), 1);
    context.after(() => clearInterval(ticking));
    await until('the measurement runs', () => ticks > 20);
    const endMs = performance.now() + 120;
    while (performance.now() < endMs);
    await until('the pause is over', () => ticks > 40);
    const { maxSeconds, medianSeconds } = delay.take();
    assert.ok(maxSeconds >= 0.1, `${maxSeconds}`);
    assert.ok(medianSeconds < maxSeconds);
    await until('more is measured', () => ticks > 60);
    assert.ok(delay.take().maxSeconds < maxSeconds);
  });
});
