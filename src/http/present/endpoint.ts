import { isoInstant } from '../../domain/change/event.ts';
import type { EndpointJson } from '../../wire/endpoint.ts';
import type { EndpointHealth, OutboxCounts } from '../reading.ts';

/** An endpoint as it is by these lists of all endpoints. */
export function endpointJson(
  name: string,
  unhealthy: readonly EndpointHealth[],
  counted: readonly OutboxCounts[],
): EndpointJson {
  const { disabledReason, failingSince } = unhealthy.find(({ endpoint }) => endpoint === name) ?? {};
  const { pending = 0, dead = 0 } = counted.find(({ endpoint }) => endpoint === name) ?? {};
  return {
    name,
    enabled: disabledReason === undefined,
    disabledReason,
    failingSince: failingSince === undefined ? undefined : isoInstant(failingSince),
    pending,
    dead,
  };
}
