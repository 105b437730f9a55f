import type { Request } from '../recorder.ts';
import type { Evidence } from './evidence.ts';

/** Lists events that a receiver has not accepted, and requests whose body is not in the feed. */
export function undelivered({ feed, receivers }: Evidence): readonly string[] {
  const bodies = new Map(feed.map((event) => [event.id, JSON.stringify(event)]));
  return receivers.flatMap(({ name, requests }) => {
    const accepted = new Set(requests.filter(({ isAccepted }) => isAccepted).map(({ id }) => id));
    const missing = [...bodies.keys()].filter((id) => !accepted.has(id));
    const others = requests.filter(({ id, body }) => bodies.get(id) !== body);
    return [
      ...missing.map((id) => `${name} never got ${id}`),
      ...others.map(({ id }) => `${name} got ${id}, with a body that is not in the feed`),
    ];
  });
}

/** Lists events that are in the feed twice, and differences between the feed as it was followed and as it was read again. */
export function brokenFeed({ feed, feedReread, feedRefusals }: Evidence): readonly string[] {
  const repeated = [...Map.groupBy(feed, ({ id }) => id)].filter(([, events]) => events.length > 1);
  const longer = Math.max(feed.length, feedReread.length);
  const differs = Array.from({ length: longer }, (_, index) => index).filter(
    (index) => JSON.stringify(feed[index]) !== JSON.stringify(feedReread[index]),
  );
  return [
    ...repeated.map(([id, events]) => `${id} is in the feed ${events.length} times`),
    ...differs.map(
      (index) => `number ${index}: ${String(feed[index]?.id)} became ${String(feedReread[index]?.id)}`,
    ),
    ...feedRefusals.map((refusal) => `refused: ${refusal}`),
  ];
}

export function badSignatures({ receivers }: Evidence): readonly string[] {
  return receivers.flatMap(({ name, requests }) =>
    requests.filter((request) => !request.isSigned).map(({ id }) => `${name} got ${id} with a bad signature`),
  );
}

/** Lists requests whose body differs from an earlier one for the same event. */
export function changedBodies({ receivers }: Evidence): readonly string[] {
  const firstBodies = new Map<string, string>();
  return receivers.flatMap(({ name, requests }) =>
    requests.flatMap(({ id, body }) => {
      const firstBody = firstBodies.get(id) ?? body;
      firstBodies.set(id, firstBody);
      return firstBody === body ? [] : [`${name} got ${id} with another body`];
    }),
  );
}

/** A request for an event that was already accepted. */
export interface Repeat {
  readonly id: string;
  /** The life in which the event was accepted. */
  readonly acceptedIn: number;
  /** The life in which it was sent again. */
  readonly repeatedIn: number;
}

/** Finds repeats. A repeat that is refused, and therefore sent once more, counts only once. */
export function repeatsOf(requests: readonly Request[]): readonly Repeat[] {
  const acceptedIn = new Map<string, number>();
  const repeats = new Map<string, Repeat>();
  for (const { id, life, isAccepted } of requests) {
    const before = acceptedIn.get(id);
    const key = `${id} ${String(before)}`;
    if (before !== undefined && !repeats.has(key))
      repeats.set(key, { id, acceptedIn: before, repeatedIn: life });
    if (isAccepted) acceptedIn.set(id, life);
  }
  return [...repeats.values()];
}

/** Lists repeats within one life, and lives with more repeats than attempts that can have been in flight at their end. */
export function needlessRepeats({ receivers, maxConcurrent }: Evidence): readonly string[] {
  return receivers.flatMap(({ name, requests }) => {
    const repeats = repeatsOf(requests);
    const inOneLife = repeats
      .filter(({ acceptedIn, repeatedIn }) => acceptedIn === repeatedIn)
      .map(({ id, repeatedIn }) => `${name} got ${id} again within life ${repeatedIn}`);
    const afterLife = Map.groupBy(repeats, ({ acceptedIn }) => acceptedIn);
    const tooMany = [...afterLife]
      .filter(([, repeated]) => repeated.length > maxConcurrent)
      .map(
        ([life, repeated]) =>
          `${name} got ${repeated.length} events again after life ${life}, but at most ${maxConcurrent} were in flight`,
      );
    return [...inOneLife, ...tooMany];
  });
}
