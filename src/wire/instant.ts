import * as z from 'zod';

/** An instant in an answer. */
export const instantText = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .meta({ id: 'Instant', format: 'date-time', description: 'ISO 8601, UTC, with milliseconds' });
