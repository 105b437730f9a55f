import * as z from 'zod';
import { REGISTRATION_OUTCOMES } from '../domain/execution/registration.ts';
import { executionSchema } from './execution.ts';
import { problemSchema, receivedProblemSchema } from './problem.ts';

/** The answer to a registration of an execution that was already known. */
export const registeredSchema = executionSchema
  .extend({
    unchanged: z
      .array(z.string())
      .optional()
      .describe('Members whose values in the request differ and were ignored'),
  })
  .meta({ id: 'RegisteredExecution' });

const resultSchema = z.object({
  lifecycleExecutionId: z.string().optional().describe('The id in the request, valid or not'),
  outcome: z.enum(REGISTRATION_OUTCOMES),
  error: z
    .object({ code: problemSchema.shape.code, message: z.string(), errors: problemSchema.shape.errors })
    .optional(),
});

/** The answer to a batch: one result for each registration, in the order of the request. */
export const batchResultsSchema = z.object({ results: z.array(resultSchema) });

/** A result as a client reads it whose registrations all have an id. */
const receivedResultSchema = resultSchema.extend({
  lifecycleExecutionId: z.string(),
  error: z
    .object({
      code: receivedProblemSchema.shape.code,
      message: z.string(),
      errors: receivedProblemSchema.shape.errors,
    })
    .optional(),
});
export type ReceivedResult = z.output<typeof receivedResultSchema>;

export const receivedBatchResultsSchema = z.object({ results: z.array(receivedResultSchema) });
