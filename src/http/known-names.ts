import type { FastifyRequest } from 'fastify';
import type * as z from 'zod';
import { invalidRequestOf } from './faults.ts';

/** Reports whether a name is configured or occurs in any row. */
type IsKnown = (name: string) => Promise<boolean>;

/**
 * Returns a hook that checks the names in a query, by parameter. A name that nothing has is a fault, because an empty answer would
 * hide a typing error. The route must attach its validation error, so that all faults are reported together.
 */
export function refuseUnknownNames(checks: Readonly<Record<string, IsKnown>>) {
  return async (request: FastifyRequest): Promise<void> => {
    const query = request.query as Readonly<Record<string, unknown>>;
    const issues: z.core.$ZodIssue[] = [];
    for (const [parameter, isKnown] of Object.entries(checks)) {
      const input = query[parameter];
      if (typeof input !== 'string' || (await isKnown(input))) continue;
      const message = `is no ${parameter} that is configured or was used before`;
      issues.push({ code: 'custom', path: [parameter], input, message });
    }
    const failed = request.validationError?.validationContext;
    if (failed !== undefined || issues.length > 0) throw invalidRequestOf(request, failed, issues);
  };
}
