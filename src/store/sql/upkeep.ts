import type { Upkeep } from '../store.ts';
import { abandonDeliveries } from './abandonment.ts';
import type { Claims } from './claim-book.ts';
import type { Database } from './database.ts';
import { sweep } from './sweep.ts';

export function createUpkeep(database: Database, claims: Claims): Upkeep {
  return {
    sweep: (retention, limit) => database.write((db) => sweep(db, retention, limit), 'later'),
    abandonDeliveries: (query) =>
      database.write(async (db) => {
        const { lanes, ...abandoned } = await abandonDeliveries(db, query);
        // The claims are released inside the transaction, so that no later response settles one of these deliveries.
        for (const lane of lanes) claims.releaseLane(lane);
        return abandoned;
      }, 'later'),
  };
}
