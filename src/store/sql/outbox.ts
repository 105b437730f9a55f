import type { Outbox } from '../../delivery/outbox.ts';
import { grouped } from '../../runtime/grouped.ts';
import { waitingCallbackLanes } from './callbacks.ts';
import { StoreError } from '../store-error.ts';
import type { Claims } from './claim-book.ts';
import { claimAll, nextDueAt } from './claims.ts';
import type { ClaimCall } from './claims.ts';
import type { Database } from './database.ts';
import { endStopOfOtherUrl } from './lanes.ts';
import { settleAll } from './settlements.ts';

/** Calls of `claim` in one transaction. Lanes that claim together mostly find their deliveries in the same pages. */
const MOST_CLAIMS = 50;

export function createOutbox(database: Database, claims: Claims, newId: () => string): Outbox {
  const claim = grouped({
    most: MOST_CLAIMS,
    run: (calls: readonly ClaimCall[]) => database.show((db) => claimAll(db, claims, calls, newId())),
  });
  return {
    async claim(lane, limit, now, first = 'new') {
      const failure = database.writeFailure();
      if (failure !== undefined) throw new StoreError(failure);
      return claim({ lane, limit, now, first });
    },
    async settle(settlements) {
      const settled = await database.write((db) => settleAll(db, claims, settlements));
      for (const { id } of settled.held) claims.release(id);
      return settled;
    },
    release(claimed) {
      for (const claim of claimed) if (claims.isHeldBy(claim)) claims.release(claim.id);
    },
    nextDueAt: (lane) => database.read((db) => nextDueAt(db, claims, lane)),
    endStopOfOtherUrl: (lane, urlKey, at) => database.write((db) => endStopOfOtherUrl(db, lane, urlKey, at)),
    waitingCallbackLanes: (query) => database.read((db) => waitingCallbackLanes(db, query), 'later'),
  };
}
