import { randomHex } from './random.ts';
import type { Random } from './random.ts';
import type { Place } from './place.ts';
import type { Timeline } from './timeline.ts';
import { finalStep } from './timeline.ts';

/** What the model lists. */
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
  /** AMIs of each image, each with so many snapshots. Default: 1 and 1. */
  readonly amis?: number | undefined;
  readonly snapshots?: number | undefined;
  /** How the snapshots end. Default: as the AMI does. */
  readonly snapshotStatus?: ResourceEnd;
  /** Container images of each. Default: 0. */
  readonly containers?: number | undefined;
}

/** What a run does to one image, as it was planned at its start. */
export interface PlannedImage {
  readonly imageArn: string;
  readonly action: ResourceAction;
  readonly status: ResourceEnd;
  readonly reason?: string | undefined;
  /** Since the start of the run. */
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

/** How far a run has come, for its resources. */
export interface Progress {
  readonly elapsedMs: number;
  /** When a cancel stopped it: what had not begun by then is skipped. */
  readonly cutAfterMs?: number | undefined;
  readonly endedAfterMs?: number | undefined;
}

/** What is done to an image at one moment. */
export interface ImageNow extends PlannedImage {
  readonly now: 'IN_PROGRESS' | ResourceEnd;
  readonly endedAfterMs?: number | undefined;
}

/** A run of no known end is planned as if it took so long. */
const OPEN_LENGTH_MS = 60_000;
const CANCELLED = 'The lifecycle execution was cancelled.';

export interface ResourcePlan {
  readonly groups: readonly ResourceGroup[];
  readonly timeline: Timeline;
  readonly place: Place;
  /** The one image that the run is about. Default: images of the place. */
  readonly imageArn?: string | undefined;
  /** When the work begins, since the start of the run. */
  readonly worksAfterMs: number;
}

/** Images one after the other, spread over the run. */
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

/** What is done to each image that was reached. Whatever has not begun is not listed before the run has ended. */
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

/** What a run that says nothing of its resources touches, by how it ends. */
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
