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
    reachable: z.boolean().describe('False from target.unreachable to target.recovered'),
    paused: z.boolean(),
    problem: z
      .object({ kind: z.enum([...PROBLEM_KINDS, 'removed']), message: z.string() })
      .optional()
      .describe('What the latest calls say is wrong'),
    requestsPerSecond: z.number().describe('The rate now allowed'),
    ceiling: z.number().describe('The rate that the configuration allows'),
    lastThrottledAt: instantText.optional(),
    tracked: z.int().describe('Active executions'),
    overdueSeconds: z.number().describe('How late the most overdue poll is'),
  })
  .meta({ id: 'TargetState' });
export type TargetStateJson = z.output<typeof targetStateSchema>;

export const targetStatesSchema = z.object({ targets: z.array(targetStateSchema) });
