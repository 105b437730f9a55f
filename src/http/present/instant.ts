import { isoInstant } from '../../domain/change/event.ts';

/** Formats an instant, epoch milliseconds; undefined stays undefined. */
export function optionalInstant(at: number | undefined): string | undefined {
  return at === undefined ? undefined : isoInstant(at);
}
