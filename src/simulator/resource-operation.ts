import { defined } from './defined.ts';
import type { SeenImage } from './execution.ts';
import type { Members } from './model.ts';
import { badToken, unknownId } from './operations.ts';
import type { Operation } from './operations.ts';
import type { PlannedPart } from './resources.ts';

const POLICY_SELECTED = 'A rule of the lifecycle policy selected the image.';
const UPDATE_ASKED = 'A state update asked for it.';

/**
 * Lists the images that the run touches or, if `parentResourceId` is the ARN of one, its AMIs with their snapshots and its
 * container images, as AWS documents. Two guesses: an unknown parent has no resources, and after a cancel the work under way is
 * finished and the rest is SKIPPED.
 */
export const listLifecycleExecutionResources: Operation = (input, caller, world, view) => {
  const executionId = String(input.lifecycleExecutionId);
  const { executions, pages } = world;
  const execution = executions.lookUp(executionId, caller, view);
  if (execution === undefined) return unknownId(executionId, world);
  const why = execution.policyArn === null ? UPDATE_ASKED : POLICY_SELECTED;
  const images = executions.images(executionId, caller, view);
  const all = () => {
    const parent = images.find(({ imageArn }) => imageArn === input.parentResourceId);
    if (input.parentResourceId === undefined) return images.map((image) => imageMembers(image, why));
    return parent === undefined ? [] : parent.parts.map((part) => partMembers(parent, part, why));
  };
  const page = pages.page('ListLifecycleExecutionResources', input, caller, all);
  if (page === undefined) return badToken();
  const { status, reason } = execution;
  return {
    outcome: 'ok',
    executionId,
    status,
    output: defined({
      lifecycleExecutionId: executionId,
      lifecycleExecutionState: defined({ status, reason }),
      resources: page.items,
      nextToken: page.nextToken,
    }),
  };
};

function imageMembers(image: SeenImage, why: string): Members {
  const [, , , region, accountId] = image.imageArn.split(':');
  return defined({
    accountId,
    region,
    resourceId: image.imageArn,
    state: stateOf(image.now, image),
    action: { name: image.action, reason: why },
    startTime: image.startedAt,
    endTime: image.endedAt,
  });
}

function partMembers(
  image: SeenImage,
  { resourceId, imageUris, snapshotIds, snapshotStatus }: PlannedPart,
  why: string,
): Members {
  const status = image.now === image.status && image.now !== 'SKIPPED' ? snapshotStatus : image.now;
  return defined({
    ...imageMembers(image, why),
    resourceId,
    imageUris,
    snapshots: snapshotIds?.map((snapshotId) => ({ snapshotId, state: stateOf(status, image) })),
  });
}

/** Only failed and skipped resources have a reason. */
function stateOf(status: SeenImage['now'], { reason }: SeenImage): Members {
  return defined({ status, reason: status === 'FAILED' || status === 'SKIPPED' ? reason : undefined });
}
