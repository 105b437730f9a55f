import type { ClaimedDelivery } from './outbox.ts';
import type { AttemptResult } from './sending/outcome.ts';
import type { Destination, LaneParts, Receiver } from './endpoint.ts';

const NOT_ALLOWED: AttemptResult = { outcome: 'refused', error: 'its URL is allowed no longer' };

export interface Sent {
  readonly result: AttemptResult;
  readonly durationSeconds: number;
}

/**
 * One request, to nowhere where `destination` is undefined. Never rejects; undefined where it was cut off before an answer,
 * so that nothing is known of it.
 */
export async function sendOnce(
  { sender, clock, cutOff }: Pick<LaneParts, 'sender' | 'clock' | 'cutOff'>,
  { headers, timeoutMs }: Receiver,
  destination: Destination | undefined,
  { eventId, body }: Pick<ClaimedDelivery, 'eventId' | 'body'>,
  signal: AbortSignal,
): Promise<Sent | undefined> {
  if (destination === undefined) return { result: NOT_ALLOWED, durationSeconds: 0 };
  const startTick = clock.monotonicNow();
  const result = await sender.send({ ...destination, headers, timeoutMs, eventId, body, signal });
  if (cutOff.aborted && result.httpStatus === undefined) return undefined;
  return { result, durationSeconds: (clock.monotonicNow() - startTick) / 1000 };
}
