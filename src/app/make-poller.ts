import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import { createHazardBooks } from '../domain/cadence/hazard-book.ts';
import type { Aws } from '../imagebuilder/aws.ts';
import { createBottleneckLimiter } from '../limiter/bottleneck-limiter.ts';
import type { Notices } from '../notices/notices.ts';
import { createBudget } from '../polling/budget.ts';
import { Poller } from '../polling/poller.ts';
import type { Incumbent } from '../polling/replacement.ts';
import type { Registrar } from '../registration/registrar.ts';
import type { Clock } from '../runtime/clock.ts';
import { SOLE_TERM } from '../store/store.ts';
import type { Store } from '../store/store.ts';
import type { LiveConfig } from './live-config.ts';
import { createRecipients } from './recipients.ts';

/** The configuration a poller is built from. If it changes, the poller is replaced. */
export interface PollerSettings {
  readonly target: Config['targets'][number];
  readonly polling: Config['polling'];
}

export function pollerSettings({ targets, polling }: Config): readonly PollerSettings[] {
  return targets.map((target) => ({ target, polling }));
}

export interface PollerMakerParts {
  readonly live: LiveConfig;
  readonly store: Pick<Store, 'ledgerOf'>;
  readonly aws: Pick<Aws, 'gatewayTo'>;
  readonly dispatcher: Pick<Dispatcher, 'wake'>;
  readonly registrar: Registrar;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

type MakePoller = (settings: PollerSettings, before?: Incumbent<PollerSettings, Poller>) => Promise<Poller>;

/**
 * Creates the function that makes pollers. A poller continues from the one `before` it, else at the rate that is stored.
 * Learnt durations are shared by all pollers of a target.
 */
export function createPollerMaker(parts: PollerMakerParts): MakePoller {
  const { live, store, aws, dispatcher, notices } = parts;
  const hazardsOf = createHazardBooks();
  return async (settings, before) => {
    const { target } = settings;
    const ledger = store.ledgerOf(target, SOLE_TERM);
    const learnt = await ledger.loadRate();
    const handover = before?.poller.handOver();
    const budget = createBudget({
      ...parts,
      target: target.name,
      makeLimiter: (perSecond) => createBottleneckLimiter({ perSecond, maxConcurrent: target.maxConcurrent }),
      ceiling: target.requestsPerSecond,
      learnt,
      before: handover?.budget,
    });
    const surroundings = {
      ...parts,
      gateway: aws.gatewayTo(target, {
        onStsCall: (ended) => notices.publish({ kind: 'call_ended', target: target.name, ...ended }),
      }),
      budget,
      ledger,
      hazards: hazardsOf(target),
      recipients: createRecipients(target, live, dispatcher),
    };
    const isConfirmed = handover?.isConfirmed === true && hasSameRole(target, before?.settings.target);
    return new Poller(rulesOf(settings), surroundings, isConfirmed);
  };
}

function rulesOf({ target, polling }: PollerSettings) {
  const { name, accountId, region, stalledAfterSeconds, discover } = target;
  const { giveUpAfterDays, targetLagSeconds, minIntervalSeconds, maxIntervalSeconds } = polling;
  return {
    target: { name, accountId, region },
    bounds: { targetLagSeconds, minIntervalSeconds, maxIntervalSeconds },
    giveUpAfterDays,
    stallLimits: stalledAfterSeconds,
    discover,
  };
}

/**
 * Reports whether calls go to the same place with the same role, so that the account need not be checked again. Without a role,
 * the credentials may have changed at any time.
 */
function hasSameRole(
  target: PollerSettings['target'],
  before: PollerSettings['target'] | undefined,
): boolean {
  if (target.roleArn === undefined) return false;
  return (['roleArn', 'externalId', 'endpoint', 'stsEndpoint'] as const).every(
    (key) => target[key] === before?.[key],
  );
}
