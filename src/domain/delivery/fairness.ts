/** `new` are deliveries that were never attempted; `again` are those that are repeated or resent. */
export type DeliveryKind = 'new' | 'again';

export function otherKind(kind: DeliveryKind): DeliveryKind {
  return kind === 'new' ? 'again' : 'new';
}

/** Takes up to `limit` items from two lists, by turns as long as both have one, beginning with the list of kind `first`. */
export function takeByTurns<T>(
  lists: Readonly<Record<DeliveryKind, readonly T[]>>,
  first: DeliveryKind,
  limit: number,
): readonly T[] {
  const [ahead, behind] = [lists[first], lists[otherKind(first)]];
  const taken: T[] = [];
  for (let at = 0; at < Math.max(ahead.length, behind.length); at += 1)
    taken.push(...ahead.slice(at, at + 1), ...behind.slice(at, at + 1));
  return taken.slice(0, limit);
}
