import type { Config } from '../config/schema.ts';
import { matchesFilter } from '../domain/change/filter.ts';
import type { EventType } from '../domain/change/event.ts';
import { callbackLane } from '../domain/delivery/callback.ts';
import { isSameTarget } from '../domain/execution/execution.ts';
import type { Execution, Target } from '../domain/execution/execution.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import type { Recipients } from '../polling/recipients.ts';
import type { LiveConfig } from './live-config.ts';

/** Chooses the endpoints of a target's events by the configuration in effect, and wakes their lanes. */
export function createRecipients(
  target: Target,
  live: LiveConfig,
  dispatcher: Pick<Dispatcher, 'wake'>,
): Recipients {
  return {
    of: (type, execution) => endpointsFor(live.config, target, type, execution),
    wake(endpoints, callbackUrl) {
      for (const endpoint of endpoints) dispatcher.wake(endpoint);
      if (callbackUrl !== undefined) dispatcher.wake(callbackLane(callbackUrl));
    },
  };
}

/** A filter refers to the target's name in the same configuration, even if the poller still has an earlier name. */
function endpointsFor(
  { endpoints, targets }: Config,
  target: Target,
  type: EventType,
  execution: Execution | undefined,
): readonly string[] {
  const { name: targetName } = targets.find((configured) => isSameTarget(configured, target)) ?? target;
  const { lifecyclePolicyArn, labels = {} } = execution ?? {};
  const filterable = { type, targetName, lifecyclePolicyArn, labels };
  return endpoints.filter((endpoint) => matchesFilter(endpoint, filterable)).map(({ name }) => name);
}
