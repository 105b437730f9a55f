import { defined } from './defined.ts';
import { mismatch } from './execution-operations.ts';
import type { Members } from './model.ts';
import { isMembers } from './model.ts';
import { modelled, rejected } from './operations.ts';
import type { Operation, World } from './operations.ts';
import type { Place } from './place.ts';
import { between } from './random.ts';
import type { ResourceAction, ResourceGroup } from './resources.ts';
import { startUpdate } from './start-update.ts';

/** The action that brings about each requested state. */
const ACTIONS: Readonly<Record<string, ResourceAction>> = {
  AVAILABLE: 'AVAILABLE',
  DELETED: 'DELETE',
  DEPRECATED: 'DEPRECATE',
  DISABLED: 'DISABLE',
};

/**
 * Starts an execution without a policy. Input, output and errors are the model's; AWS documents that it is IN_PROGRESS until
 * `updateAt`. Guesses: a status is required though the model requires none, images of another account or Region do not exist
 * and all others do, an image with an unfinished execution is in use, and a date in the past means now.
 */
export const startResourceStateUpdate: Operation = (input, caller, world) => {
  const imageArn = String(input.resourceArn);
  const { clientTokens, choices } = world;
  const repeat = clientTokens.find('StartResourceStateUpdate', input, caller);
  if (repeat === 'mismatch') return mismatch();
  if (repeat !== undefined) return started(repeat.output as Members);
  const action = ACTIONS[isMembers(input.state) ? String(input.state.status) : ''];
  if (action === undefined) {
    return rejected(
      'InvalidRequestException',
      "The value supplied for parameter 'state.status' is not valid.",
    );
  }
  if (!isOf(imageArn, caller)) {
    const error = modelled('ResourceNotFoundException', `The image '${imageArn}' does not exist.`);
    return { outcome: 'missing', error };
  }
  if (isBusy(imageArn, caller, world)) {
    return rejected('ResourceInUseException', `The image '${imageArn}' is being updated.`);
  }
  const id =
    choices().updateStarts === 'execution' ? start(imageArn, action, input, caller, world) : undefined;
  const output = defined({ lifecycleExecutionId: id, resourceArn: imageArn });
  clientTokens.keep('StartResourceStateUpdate', input, caller, output);
  return started(output);
};

function started(output: Members) {
  const { lifecycleExecutionId: id } = output;
  return { outcome: 'ok', executionId: typeof id === 'string' ? id : undefined, output } as const;
}

function start(imageArn: string, action: ResourceAction, input: Members, place: Place, world: World): string {
  const { executions, time, random, choices } = world;
  const { updateKind: kind, updateMs: meanDurationMs } = choices();
  const { accountId, region } = place;
  const updateAt = typeof input.updateAt === 'number' ? time.at(input.updateAt * 1000) : time.now();
  const afterMs = Math.max(0, updateAt - time.now());
  const parts = partsOf(input.includeResources, () => Math.round(between(1, 2, random)));
  const update = { accountId, region, imageArn, action, afterMs, kind, meanDurationMs, ...parts };
  return startUpdate(executions, update, random);
}

/** AMIs, snapshots and container images are touched only if the caller asks for it. */
function partsOf(include: unknown, some: () => number): ResourceGroup {
  const wanted = isMembers(include) ? include : {};
  return {
    amis: wanted.amis === true ? some() : 0,
    snapshots: wanted.snapshots === true ? some() : 0,
    containers: wanted.containers === true ? some() : 0,
  };
}

function isOf(imageArn: string, { accountId, region }: Place): boolean {
  return imageArn.includes(`:imagebuilder:${region}:${accountId}:`);
}

function isBusy(imageArn: string, place: Place, { executions }: World): boolean {
  return executions
    .listed(imageArn, place)
    .some((execution) => execution.imageArn === imageArn && execution.endedAt === undefined);
}
