import { loginEvents } from '@causeway/filters/oidc/login-services';
import type { CounterCell } from '@causeway/runtime/metric-cells';
import type { Metric, MetricRegistry } from '@causeway/runtime/metrics';

/** What becomes of users who log in. */
export function loginCounter(registry: MetricRegistry): Metric<'provider' | 'event', CounterCell> {
  return registry.counter({
    name: 'causeway_logins_total',
    help: `Logins of users by AuthProvider, and what became of them: ${loginEvents.join(', ')}.`,
    labelNames: ['provider', 'event'],
  });
}
