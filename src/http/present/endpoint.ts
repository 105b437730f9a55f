import type { EndpointJson } from '../../wire/endpoint.ts';
import type { EndpointHealth, OutboxCounts } from '../reading.ts';
import { optionalInstant } from './instant.ts';

/** Finds the health and counts of an endpoint in lists that cover all endpoints. */
export function endpointJson(
  name: string,
  unhealthy: readonly EndpointHealth[],
  counts: readonly OutboxCounts[],
): EndpointJson {
  const { disabledReason, failingSince, stoppedUntil } =
    unhealthy.find(({ endpoint }) => endpoint === name) ?? {};
  const { pending = 0, dead = 0 } = counts.find(({ endpoint }) => endpoint === name) ?? {};
  return {
    name,
    enabled: disabledReason === undefined,
    disabledReason,
    failingSince: optionalInstant(failingSince),
    stoppedUntil: optionalInstant(stoppedUntil),
    pending,
    dead,
  };
}
