import * as z from 'zod';
import { PROBLEM_KINDS } from '../domain/call/reachability.ts';
import { instantText } from './instant.ts';

/** The target that an execution or event belongs to. */
export const targetSchema = z
  .object({ name: z.string(), accountId: z.string(), region: z.string() })
  .meta({ id: 'Target' });

/** The present state of a target. */
export const targetStateSchema = z
  .object({
    ...targetSchema.shape,
    reachable: z.boolean().describe('False between target.unreachable and target.recovered'),
    paused: z.boolean(),
    problem: z
      .object({ kind: z.enum([...PROBLEM_KINDS, 'removed']), message: z.string(), since: instantText })
      .optional()
      .describe('The problem that the latest calls show, and since when'),
    requestsPerSecond: z.number().describe('Current rate limit'),
    ceiling: z.number().describe('Configured maximum of the rate limit'),
    lastThrottledAt: instantText.optional(),
    tracked: z.int().describe('Number of active executions'),
    overdueSeconds: z.number().describe('Lateness of the most overdue poll'),
  })
  .meta({ id: 'TargetState' });
export type TargetStateJson = z.output<typeof targetStateSchema>;

export const targetStatesSchema = z.object({ targets: z.array(targetStateSchema) });
