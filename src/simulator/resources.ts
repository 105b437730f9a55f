import { randomHex } from './random.ts';
import type { Random } from './random.ts';
import type { Place } from './place.ts';
import type { Timeline } from './timeline.ts';
import { finalStep } from './timeline.ts';

/** The actions that the model lists. */
export const RESOURCE_ACTIONS = ['AVAILABLE', 'DELETE', 'DEPRECATE', 'DISABLE'] as const;
export type ResourceAction = (typeof RESOURCE_ACTIONS)[number];
export const RESOURCE_ENDS = ['SUCCESS', 'FAILED', 'SKIPPED'] as const;
/** How the action on a resource ends. Until then it is IN_PROGRESS. */
export type ResourceEnd = (typeof RESOURCE_ENDS)[number];

/** Images that a run touches, all in the same way. */
export interface ResourceGroup {
  /** Default: 1. */
  readonly count?: number;
  /** Default: DELETE. */
  readonly action?: ResourceAction;
  /** Default: SUCCESS. */
  readonly status?: ResourceEnd;
  readonly reason?: string | undefined;
  /** The number of AMIs of each image, and of snapshots of each AMI. Default: 1 and 1. */
  readonly amis?: number | undefined;
  readonly snapshots?: number | undefined;
  /** How the action on the snapshots ends. Default: as for the AMI. */
  readonly snapshotStatus?: ResourceEnd;
  /** The number of container images of each image. Default: 0. */
  readonly containers?: number | undefined;
}

/** The action of a run on one image, planned at its start. */
export interface PlannedImage {
  readonly imageArn: string;
  readonly action: ResourceAction;
  readonly status: ResourceEnd;
  readonly reason?: string | undefined;
  /** When the action begins and ends, in milliseconds since the start of the run. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly parts: readonly PlannedPart[];
}

/** An AMI with its snapshots, or a container image. */
export interface PlannedPart {
  readonly resourceId: string;
  readonly imageUris?: readonly string[];
  readonly snapshotIds?: readonly string[];
  readonly snapshotStatus: ResourceEnd;
}

/** The progress of a run, as far as it matters for its resources. */
export interface Progress {
  readonly elapsedMs: number;
  /** When a cancel stopped the run. Actions that had not begun by then are skipped. */
  readonly cutAfterMs?: number | undefined;
  readonly endedAfterMs?: number | undefined;
}

/** The state of an image at one moment. */
export interface ImageNow extends PlannedImage {
  readonly now: 'IN_PROGRESS' | ResourceEnd;
  readonly endedAfterMs?: number | undefined;
}

/** If a run has no known end, it is planned as if it took this long. */
const OPEN_LENGTH_MS = 60_000;
const CANCELLED = 'The lifecycle execution was cancelled.';

export interface ResourcePlan {
  readonly groups: readonly ResourceGroup[];
  readonly timeline: Timeline;
  readonly place: Place;
  /** The only image that the run touches. Default: images of the place. */
  readonly imageArn?: string | undefined;
  /** When the work begins, in milliseconds since the start of the run. */
  readonly worksAfterMs: number;
}

/** Plans actions on images one after the other, spread evenly over the run. */
export function planResources(
  { groups, timeline, place, imageArn, worksAfterMs }: ResourcePlan,
  random: Random,
): readonly PlannedImage[] {
  const entries = groups.flatMap((group) => Array.from({ length: group.count ?? 1 }, () => group));
  const endsMs = finalStep(timeline)?.afterMs ?? worksAfterMs + OPEN_LENGTH_MS;
  const at = (index: number) =>
    Math.floor(worksAfterMs + (Math.max(0, endsMs - worksAfterMs) * index) / entries.length);
  return entries.map((group, index) => {
    const { action = 'DELETE', status = 'SUCCESS', reason } = group;
    return {
      imageArn: imageArn ?? imageArnOf(place, index),
      action,
      status,
      reason,
      fromMs: at(index),
      toMs: at(index + 1),
      parts: partsOf(group, place, random),
    };
  });
}

/** Returns the state of each image that the run has reached. Images that it has not reached are listed once it has ended. */
export function imagesAt(
  plan: readonly PlannedImage[],
  { elapsedMs, cutAfterMs = Infinity, endedAfterMs = Infinity }: Progress,
): readonly ImageNow[] {
  const isOver = elapsedMs >= endedAfterMs;
  return plan.flatMap((image): readonly ImageNow[] => {
    if (image.fromMs >= Math.min(cutAfterMs, endedAfterMs)) {
      if (!isOver) return [];
      return [{ ...image, status: 'SKIPPED', reason: CANCELLED, now: 'SKIPPED', endedAfterMs }];
    }
    if (image.fromMs > elapsedMs) return [];
    const toMs = Math.min(image.toMs, endedAfterMs);
    if (elapsedMs < toMs) return [{ ...image, now: 'IN_PROGRESS' }];
    return [{ ...image, now: image.status, endedAfterMs: toMs }];
  });
}

/** Returns the resources that a run touches by default, depending on how it ends. */
export function usualGroups(timeline: Timeline): readonly ResourceGroup[] {
  if (!timeline.some(({ hasImpactedResources }) => hasImpactedResources === true)) return [];
  switch (finalStep(timeline)?.status) {
    case 'FAILED':
      return [{ count: 2 }, { status: 'FAILED', reason: 'The snapshot is in use.' }];
    case 'CANCELLED':
      return [{ count: 4 }];
    default:
      return [{ count: 3 }];
  }
}

function partsOf(group: ResourceGroup, place: Place, random: Random): readonly PlannedPart[] {
  const { amis = 1, snapshots = 1, containers = 0, status = 'SUCCESS', snapshotStatus = status } = group;
  const repository = `${place.accountId}.dkr.ecr.${place.region}.amazonaws.com/simulated`;
  return [
    ...Array.from({ length: amis }, () => ({
      resourceId: `ami-${randomHex(17, random)}`,
      snapshotIds: Array.from({ length: snapshots }, () => `snap-${randomHex(17, random)}`),
      snapshotStatus,
    })),
    ...Array.from({ length: containers }, () => {
      const uri = `${repository}@sha256:${randomHex(64, random)}`;
      return { resourceId: uri, imageUris: [uri], snapshotStatus };
    }),
  ];
}

function imageArnOf({ accountId, region }: Place, index: number): string {
  return `arn:aws:imagebuilder:${region}:${accountId}:image/simulated/1.0.${index}/1`;
}
