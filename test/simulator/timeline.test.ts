import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRandom } from '../../src/simulator/random.ts';
import {
  cancelledTimeline,
  checkTimeline,
  finalStep,
  KINDS,
  momentAt,
  randomTimeline,
  stepsUpTo,
  UNPUBLISHED_STATUS,
} from '../../src/simulator/timeline.ts';
import type { Kind, Timeline } from '../../src/simulator/timeline.ts';

const COURSES: Record<Kind, readonly string[]> = {
  succeeds: ['IN_PROGRESS', 'SUCCESS'],
  fails: ['IN_PROGRESS', 'FAILED'],
  cancelled: ['IN_PROGRESS', 'CANCELLING', 'CANCELLED'],
  'cancelled-directly': ['IN_PROGRESS', 'CANCELLED'],
  'pending-detour': ['IN_PROGRESS', 'PENDING', 'IN_PROGRESS', 'SUCCESS'],
  'unknown-status': ['IN_PROGRESS', UNPUBLISHED_STATUS, 'SUCCESS'],
};

const randomOnes = fc.record({
  kind: fc.constantFrom(...KINDS),
  meanDurationMs: fc.integer({ min: 1, max: 30 * 86_400_000 }),
  seed: fc.nat(),
});

test('a random timeline takes the course of its kind, in the order of time, to a final status', () => {
  fc.assert(
    fc.property(randomOnes, ({ kind, meanDurationMs, seed }) => {
      const timeline = randomTimeline(kind, meanDurationMs, createRandom(seed));
      checkTimeline(timeline);
      expect(timeline.map(({ status }) => status)).toEqual(COURSES[kind]);
      expect(timeline[0]?.afterMs).toBe(0);
      const end = timeline.at(-1);
      expect(end?.afterMs).toBeLessThanOrEqual(Math.max(KINDS.length, 4 * meanDurationMs + 1));
      expect(momentAt(timeline, 1e12)?.endedAfterMs).toBe(end?.afterMs);
      if (end?.status !== 'SUCCESS') expect(end?.reason).not.toBe('');
    }),
  );
});

test('a status that was reached stays in the history, and only the last one is shown', () => {
  fc.assert(
    fc.property(randomOnes, fc.array(fc.double({ min: 0, max: 1e10, noNaN: true })), (one, moments) => {
      const timeline = randomTimeline(one.kind, one.meanDurationMs, createRandom(one.seed));
      let before: Timeline = [];
      for (const elapsedMs of moments.sort((a, b) => a - b)) {
        const reached = stepsUpTo(timeline, elapsedMs);
        expect(reached.slice(0, before.length)).toEqual(before);
        expect(momentAt(timeline, elapsedMs)?.status).toBe(reached.at(-1)?.status);
        before = reached;
      }
    }),
  );
});

const cancels = fc.record({
  share: fc.double({ min: 0, max: 0.999, noNaN: true }),
  takesMs: fc.nat(100_000),
  isShown: fc.boolean(),
  winner: fc.constantFrom('cancel', 'run'),
});

test('a cancel keeps the steps reached, and the run ends as CANCELLED or, if it wins the race, by itself', () => {
  fc.assert(
    fc.property(randomOnes, cancels, ({ kind, meanDurationMs, seed }, { share, ...how }) => {
      const timeline = randomTimeline(kind, meanDurationMs, createRandom(seed));
      const end = finalStep(timeline)!;
      const afterMs = Math.floor(share * end.afterMs);
      const cancelled = cancelledTimeline(timeline, { ...how, afterMs });
      checkTimeline(cancelled);
      const reached = stepsUpTo(timeline, afterMs);
      expect(cancelled.slice(0, reached.length)).toEqual(reached);
      const ended = finalStep(cancelled)!;
      expect(cancelled.at(-1)).toEqual(ended);
      if (how.winner === 'cancel' || end.afterMs > afterMs + how.takesMs + 1) {
        expect(ended.status).toBe('CANCELLED');
        expect(ended.afterMs - afterMs).toBeLessThanOrEqual(how.takesMs + 2);
      } else if (end.afterMs <= afterMs + how.takesMs) {
        expect(ended).toEqual(end);
      }
      if (!how.isShown) expect(cancelled.slice(reached.length)).toEqual([ended]);
    }),
  );
});

test('the same seed gives the same timeline', () => {
  const twice = [7, 7].map((seed) => randomTimeline('cancelled', 60_000, createRandom(seed)));
  expect(twice[0]).toEqual(twice[1]);
});

test('impacted resources apply from their step on; only a final status has an end', () => {
  const timeline: Timeline = [
    { status: 'IN_PROGRESS', afterMs: 10 },
    { status: 'PENDING', afterMs: 20, hasImpactedResources: true },
    { status: 'FAILED', afterMs: 30, reason: 'no' },
  ];
  expect(momentAt(timeline, 9)).toBeUndefined();
  expect(momentAt(timeline, 10)).toEqual({ status: 'IN_PROGRESS', hasImpactedResources: false });
  expect(momentAt(timeline, 29)).toEqual({ status: 'PENDING', hasImpactedResources: true });
  expect(momentAt(timeline, 30)).toEqual({
    status: 'FAILED',
    reason: 'no',
    hasImpactedResources: true,
    endedAfterMs: 30,
  });
});

test.each<[string, Timeline]>([
  ['nothing', []],
  [
    'an order that is none',
    [
      { status: 'IN_PROGRESS', afterMs: 5 },
      { status: 'SUCCESS', afterMs: 5 },
    ],
  ],
  ['a step before the start', [{ status: 'IN_PROGRESS', afterMs: -1 }]],
  ['a step at no time', [{ status: 'IN_PROGRESS', afterMs: NaN }]],
  [
    'a step after the end',
    [
      { status: 'SUCCESS', afterMs: 0 },
      { status: 'FAILED', afterMs: 1 },
    ],
  ],
])('a timeline with %s is refused', (_name, timeline) => {
  expect(() => checkTimeline(timeline)).toThrow(RangeError);
});
