import type { Request } from '../recorder.ts';
import type { Evidence } from './evidence.ts';

/** Events that one receiver has not accepted, and what it got that is in no feed. */
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

/** The feed holds an event twice, or reads otherwise from its beginning than it read along the way. */
export function brokenFeed({ feed, feedAnew, feedRefusals }: Evidence): readonly string[] {
  const twice = [...Map.groupBy(feed, ({ id }) => id)].filter(([, events]) => events.length > 1);
  const longer = Math.max(feed.length, feedAnew.length);
  const differs = Array.from({ length: longer }, (_, index) => index).filter(
    (index) => JSON.stringify(feed[index]) !== JSON.stringify(feedAnew[index]),
  );
  return [
    ...twice.map(([id, events]) => `${id} came ${events.length} times`),
    ...differs.map(
      (index) => `number ${index}: ${String(feed[index]?.id)} became ${String(feedAnew[index]?.id)}`,
    ),
    ...feedRefusals.map((refusal) => `refused: ${refusal}`),
  ];
}

export function badSignatures({ receivers }: Evidence): readonly string[] {
  return receivers.flatMap(({ name, requests }) =>
    requests.filter((request) => !request.isSigned).map(({ id }) => `${name} got ${id} with a bad signature`),
  );
}

/** One event with two bodies. */
export function changedBodies({ receivers }: Evidence): readonly string[] {
  const first = new Map<string, string>();
  return receivers.flatMap(({ name, requests }) =>
    requests.flatMap(({ id, body }) => {
      const known = first.get(id) ?? body;
      first.set(id, known);
      return known === body ? [] : [`${name} got ${id} with another body`];
    }),
  );
}

/** An event that came again although it had been accepted: `acceptedIn` is the life in which that was. */
export interface Repeat {
  readonly id: string;
  readonly acceptedIn: number;
  readonly again: number;
}

/** Each repeat once, however often it is then refused and comes once more. */
export function repeatsOf(requests: readonly Request[]): readonly Repeat[] {
  const acceptedIn = new Map<string, number>();
  const repeats = new Map<string, Repeat>();
  for (const { id, life, isAccepted } of requests) {
    const before = acceptedIn.get(id);
    const key = `${id} ${String(before)}`;
    if (before !== undefined && !repeats.has(key)) repeats.set(key, { id, acceptedIn: before, again: life });
    if (isAccepted) acceptedIn.set(id, life);
  }
  return [...repeats.values()];
}

/** Repeats within one life, and more repeats after one life than attempts that may have been in flight at its end. */
export function needlessRepeats({ receivers, maxConcurrent }: Evidence): readonly string[] {
  return receivers.flatMap(({ name, requests }) => {
    const repeats = repeatsOf(requests);
    const inOneLife = repeats
      .filter(({ acceptedIn, again }) => acceptedIn === again)
      .map(({ id, again }) => `${name} got ${id} again in life ${again}, which had not ended`);
    const afterLife = Map.groupBy(repeats, ({ acceptedIn }) => acceptedIn);
    const tooMany = [...afterLife]
      .filter(([, again]) => again.length > maxConcurrent)
      .map(
        ([life, again]) =>
          `${name} got ${again.length} again after life ${life}, of ${maxConcurrent} at most`,
      );
    return [...inOneLife, ...tooMany];
  });
}
