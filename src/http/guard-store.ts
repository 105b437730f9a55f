import { Problem } from './problem.ts';
import type { HttpParts } from './parts.ts';

type Call<A extends readonly unknown[], R> = (...args: A) => Promise<R>;

/** What a store fails with is no answer for the outside: 503, and the cause is for the log. */
function guarded<A extends readonly unknown[], R>(call: Call<A, R>): Call<A, R> {
  return async (...args) => {
    try {
      return await call(...args);
    } catch (cause) {
      if (cause instanceof Problem) throw cause;
      throw new Problem('store_unavailable', { cause });
    }
  };
}

/** The same parts, but what goes to the store rejects with a `Problem`. */
export function guardStore(parts: HttpParts): HttpParts {
  const { store } = parts;
  return {
    ...parts,
    store: {
      findById: guarded((id) => store.findById(id)),
      list: guarded((query) => store.list(query)),
      eventsOf: guarded((key, limit) => store.eventsOf(key, limit)),
      feed: guarded((query) => store.feed(query)),
      feedBounds: guarded(() => store.feedBounds()),
      listDeliveries: guarded((query) => store.listDeliveries(query)),
      findDelivery: guarded((id) => store.findDelivery(id)),
      resend: guarded((id) => store.resend(id)),
      resendSettled: guarded((query) => store.resendSettled(query)),
      unhealthyLanes: guarded(() => store.unhealthyLanes()),
      enableEndpoint: guarded((endpoint) => store.enableEndpoint(endpoint)),
      outboxCounts: guarded(() => store.outboxCounts()),
      backUp: guarded((signal) => store.backUp(signal)),
    },
    register: guarded((registrations) => parts.register(registrations)),
    remove: guarded((key) => parts.remove(key)),
    targetStates: guarded(() => parts.targetStates()),
    pauseTarget: guarded((name) => parts.pauseTarget(name)),
    resumeTarget: guarded((name) => parts.resumeTarget(name)),
  };
}
