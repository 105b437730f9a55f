import type { StayShare } from '../domain/cadence/demand.ts';
import type { Execution } from '../domain/execution/execution.ts';
import type { Ledger } from './ledger.ts';

const PAGE_SIZE = 1000;

/** An execution while its target's poller looks after it. Ticks are instants of the monotonic clock in milliseconds. */
export interface Tracked {
  execution: Execution;
  /** When the latest accepted look was answered; nothing sent before that is accepted. */
  lastAcceptedTick?: number;
  /** When the latest look of any outcome ended. */
  lastLookTick?: number;
  /** What it adds to the demand, while it is scheduled. */
  share?: StayShare;
  /** Asked for since the latest look began: the next one comes at once. */
  isWantedAgain: boolean;
  /** A final status was seen and is about to be recorded: it changes no more. */
  isEnding: boolean;
}

/** `execution` with the wishes of `current`, which a registration may have changed in the meantime. */
export function withWishesOf(current: Execution, execution: Execution): Execution {
  const { labels, resourceArn, callbackUrl, expectedAt, giveUpAt } = current;
  return {
    ...execution,
    labels,
    ...(resourceArn === undefined ? {} : { resourceArn }),
    ...(callbackUrl === undefined ? {} : { callbackUrl }),
    ...(expectedAt === undefined ? {} : { expectedAt }),
    ...(giveUpAt === undefined ? {} : { giveUpAt }),
  };
}

/** All active executions of a target that the store has, oldest registration first. */
export async function* storedActive(ledger: Pick<Ledger, 'active'>): AsyncGenerator<Execution> {
  for (let after: number | undefined = 0; after !== undefined;) {
    const page: readonly Execution[] = await ledger.active(after, PAGE_SIZE);
    yield* page;
    after = page.at(-1)?.registration;
  }
}
