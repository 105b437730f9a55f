import { defined } from './defined.ts';
import type { Choices } from './choices.ts';
import type { ExecutionNow } from './execution.ts';
import type { Members } from './model.ts';
import { badToken, modelled, ordered, rejected, unknown, unknownId } from './operations.ts';
import type { Operation, World } from './operations.ts';
import type { Place } from './place.ts';
import type { Random } from './random.ts';
import type { Cancel } from './timeline.ts';

/** The model lists no specific error for an unknown id, so the answer is one of the choices. */
export const getLifecycleExecution: Operation = (input, caller, world, view) => {
  const executionId = String(input.lifecycleExecutionId);
  const execution = world.executions.lookUp(executionId, caller, view);
  if (execution === undefined) return unknownId(executionId, world);
  const { status } = execution;
  return { outcome: 'ok', executionId, status, output: { lifecycleExecution: membersOf(execution) } };
};

/**
 * Lists the executions of a policy, or of an image build version that they touch. Three things are guesses, because the model
 * describes only the form of the ARN: other resources have no executions, the order is a choice, and so is the answer for an
 * unknown ARN.
 */
export const listLifecycleExecutions: Operation = (input, caller, world, view) => {
  const arn = String(input.resourceArn);
  const { executions, pages, choices } = world;
  if (!isKnown(arn, caller, world)) {
    const answer = unknown(choices().unknownArn, `The resource '${arn}'`, { lifecycleExecutions: [] });
    return { outcome: 'missing', ...answer };
  }
  const all = () =>
    ordered(executions.listed(arn, caller, view), ({ startedAt }) => startedAt, world).map(({ id }) => id);
  const page = pages.page('ListLifecycleExecutions', input, caller, all);
  if (page === undefined) return badToken();
  const shown = page.items.flatMap((id) => executions.lookUp(id, caller, view) ?? []);
  return {
    outcome: 'ok',
    shown: shown.map(({ id, status }) => ({ executionId: id, status })),
    output: defined({ lifecycleExecutions: shown.map(membersOf), nextToken: page.nextToken }),
  };
};

/**
 * Idempotent by `clientToken`, which the model requires. The errors are the model's; their conditions are a guess:
 * ResourceInUseException if the run has ended or is being cancelled, unless chosen otherwise.
 */
export const cancelLifecycleExecution: Operation = (input, caller, world, view) => {
  const { executions, clientTokens, choices, random } = world;
  const executionId = String(input.lifecycleExecutionId);
  const output = { lifecycleExecutionId: executionId };
  const repeat = clientTokens.find('CancelLifecycleExecution', input, caller);
  if (repeat === 'mismatch') return mismatch();
  if (repeat !== undefined) return { outcome: 'ok', executionId, output };
  if (executions.lookUp(executionId, caller, view) === undefined) return unknownId(executionId, world);
  const { cancelOfEnded } = choices();
  const isCancelled = executions.cancel(executionId, caller, cancelOf(choices(), random));
  if (!isCancelled && cancelOfEnded !== 'accepted') {
    const code = cancelOfEnded === 'resource-in-use' ? 'ResourceInUseException' : 'InvalidRequestException';
    return {
      outcome: 'rejected',
      executionId,
      error: modelled(code, `The lifecycle execution '${executionId}' cannot be cancelled.`),
    };
  }
  clientTokens.keep('CancelLifecycleExecution', input, caller, output);
  return { outcome: 'ok', executionId, output };
};

/** Returns the course of a cancel according to the choices. */
export function cancelOf(choices: Choices, random: Random): Omit<Cancel, 'afterMs'> {
  const { cancelMs: takesMs, cancelShows, cancelWinner } = choices;
  const winner = cancelWinner === 'random' ? (random() < 0.5 ? 'cancel' : 'run') : cancelWinner;
  return { takesMs, isShown: cancelShows === 'cancelling', winner };
}

export function mismatch() {
  const message = 'The client token was used before, with other parameters.';
  return rejected('IdempotentParameterMismatchException', message);
}

function isKnown(arn: string, place: Place, { executions, policies }: World): boolean {
  return policies.isKnown(arn, place) || executions.runs(arn, place).length > 0;
}

function membersOf(execution: ExecutionNow): Members {
  const { id, policyArn, status, reason, startedAt, endedAt, hasImpactedResources } = execution;
  return defined({
    lifecycleExecutionId: id,
    lifecyclePolicyArn: policyArn ?? undefined,
    resourcesImpactedSummary: { hasImpactedResources },
    state: defined({ status, reason }),
    startTime: startedAt,
    endTime: endedAt,
  });
}
