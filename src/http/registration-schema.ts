import * as z from 'zod';
import type { CallbackFault } from '../domain/delivery/callback.ts';
import { EXECUTION_ID_PATTERN } from '../domain/execution/execution.ts';
import { arn, faultOf, instant, labels } from './inputs.ts';

const MAX_BATCH = 1000;

/** The rules that depend on the time and the configuration. They are evaluated at each parse. */
export interface RegistrationRules {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Reports whether a registration must name its target. */
  readonly isTargetRequired: () => boolean;
  readonly callbackFault: (url: string) => CallbackFault | undefined;
}

/** The body that registers an execution. */
export function createRegistrationSchema({ now, isTargetRequired, callbackFault }: RegistrationRules) {
  return z
    .strictObject({
      lifecycleExecutionId: z
        .string()
        .regex(EXECUTION_ID_PATTERN, 'must be a lifecycle execution id (lce- followed by a UUID)'),
      target: z
        .string()
        .optional()
        .describe('Name of a configured target. Optional if only one target is configured.'),
      labels: labels.prefault({}),
      callbackUrl: z
        .string()
        .check(({ value: input, issues }) => {
          const fault = callbackFault(input);
          if (fault === undefined) return;
          const { message, isConfigured } = fault;
          const code = isConfigured ? {} : faultOf('callbacks_not_configured');
          issues.push({ code: 'custom', input, message, ...code });
        })
        .optional()
        .describe(
          'URL that receives every execution.* event recorded from now on. If the execution has already ended, it receives the final event at once.',
        ),
      expectedAt: instant.optional(),
      giveUpAt: instant.refine((at) => at > now(), 'must not be in the past').optional(),
      resourceArn: arn.optional(),
    })
    .refine(({ target }) => target !== undefined || !isTargetRequired(), {
      path: ['target'],
      message: 'is required because several targets are configured',
      when: ({ value }) => typeof value === 'object' && value !== null,
      ...faultOf('target_required'),
    })
    .meta({ id: 'Registration' });
}
export type RegistrationSchema = ReturnType<typeof createRegistrationSchema>;
export type RegistrationBody = z.output<RegistrationSchema>;

/** Not validated together with the batch, so that an invalid registration does not reject the others. */
const batchItem = z.unknown().meta({ $ref: '#/components/schemas/Registration' });
export const batchBody = z.strictObject({ executions: z.array(batchItem).min(1).max(MAX_BATCH) });
