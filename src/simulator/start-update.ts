import type { Executions } from './executions.ts';
import { placeOf } from './place.ts';
import type { Place } from './place.ts';
import { randomExecutionId } from './random.ts';
import type { Random } from './random.ts';
import type { ResourceAction, ResourceGroup } from './resources.ts';
import { randomTimeline } from './timeline.ts';
import type { Kind } from './timeline.ts';

/** The update of one image that StartResourceStateUpdate starts: an execution without a policy. */
export interface UpdateStart
  extends Partial<Place>, Pick<ResourceGroup, 'amis' | 'snapshots' | 'containers'> {
  /** Default: a random one. */
  readonly id?: string;
  /** The ARN of an image build version. */
  readonly imageArn: string;
  /** Default: DELETE. */
  readonly action?: ResourceAction;
  /** The time for which it waits for its date, IN_PROGRESS. Default: 0. */
  readonly afterMs?: number;
  /** The course that it takes after that. Default: succeeds. */
  readonly kind?: Kind;
  /** The mean length of that course. Default: 10 s. */
  readonly meanDurationMs?: number;
}

/** Returns the execution's id. Throws a RangeError if the id or ARN is broken or the id is taken. */
export function startUpdate(
  executions: Executions,
  { id, imageArn, action = 'DELETE', afterMs = 0, ...given }: UpdateStart,
  random: Random,
): string {
  const { kind = 'succeeds', meanDurationMs = 10_000, amis, snapshots, containers } = given;
  const timeline = randomTimeline(kind, meanDurationMs, random).map((step, index) =>
    index === 0 ? step : { ...step, afterMs: step.afterMs + afterMs },
  );
  const parts = {
    ...(amis !== undefined && { amis }),
    ...(snapshots !== undefined && { snapshots }),
    ...(containers !== undefined && { containers }),
  };
  const status = kind === 'fails' ? 'FAILED' : 'SUCCESS';
  return executions.start({
    id: id ?? randomExecutionId(random),
    ...placeOf(given),
    policyArn: null,
    imageArn,
    timeline,
    resources: [{ action, status, ...parts }],
    worksAfterMs: afterMs,
  });
}
