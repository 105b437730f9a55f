import { afterAnswer, afterSend, startRate } from '../../src/domain/call/rate.ts';
import type { LearntRate, Rate, ThrottleCause } from '../../src/domain/call/rate.ts';
import { seeded } from './random.ts';

/** A target, the rate that AWS allows, and other callers that share it. */
export interface Scene {
  readonly ceiling: number;
  readonly seconds: number;
  /** Calls per second that AWS allows, by second. */
  readonly allowed: (second: number) => number;
  readonly burst: number;
  /** Calls wanted per second. Default: unlimited. */
  readonly demandPerSecond?: number;
  readonly learnt?: LearntRate;
  /** Mean latency; each call takes between half and one and a half times as long. */
  readonly latencyMs?: number;
  readonly maxConcurrent?: number;
  /** The longest delay from the planned to the real start of a call. */
  readonly lateMs?: number;
  /** Calls per second of another user of the same budget, by second. */
  readonly foreign?: (second: number) => number;
  /** The other user calls at random times rather than regularly. */
  readonly isErratic?: boolean;
  readonly seed?: number;
}

/** The events of one second. `allowed` is what AWS granted minus the calls of the other user. */
export interface Second {
  readonly rate: Rate;
  readonly ok: number;
  readonly throttled: number;
  readonly allowed: number;
  readonly causes: readonly ThrottleCause[];
}

interface Flying {
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly isThrottled: boolean;
}

/**
 * Runs a target against a token bucket in virtual time, one millisecond at a time. Like our limiter, it plans one call ahead:
 * a raised rate takes effect one call late, a lowered one at once, and a late start does not delay later calls.
 */
export function play(scene: Scene): Second[] {
  const { burst, demandPerSecond = 1e6, latencyMs = 100, maxConcurrent = 4, lateMs = 1 } = scene;
  const random = seeded(scene.seed ?? 1);
  let rate = startRate(scene.ceiling, scene.learnt, 0);
  let tokens = burst;
  let pausedUntil = 0;
  let plannedAt = 0;
  let lastPlannedAt = -Infinity;
  let gapMs = 1000 / rate.perSecond;
  let wanting = 0;
  let foreignAt = 0;
  let flying: Flying[] = [];
  const seconds: Second[] = [];
  let now = 0;
  let second = { ok: 0, throttled: 0, allowed: 0, causes: [] as ThrottleCause[] };

  const take = () => {
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
  const foreignCalls = () => {
    const perSecond = scene.foreign?.(now / 1000) ?? 0;
    if (perSecond === 0) foreignAt = now;
    for (; perSecond > 0 && foreignAt <= now; foreignAt += foreignGapMs(perSecond))
      if (take()) second.allowed -= 1;
  };
  const foreignGapMs = (perSecond: number) =>
    (scene.isErratic === true ? -Math.log(1 - random()) : 0.9 + 0.2 * random()) * (1000 / perSecond);
  const answer = ({ sentAt, isThrottled }: Flying) => {
    second[isThrottled ? 'throttled' : 'ok'] += 1;
    const learnt = afterAnswer(rate, {
      sentAt,
      answeredAt: now,
      outcome: isThrottled ? 'throttled' : 'ok',
      wanted: wanting >= 2,
      random: random(),
    });
    rate = learnt.rate;
    pausedUntil = Math.max(pausedUntil, learnt.pauseUntil ?? 0);
    if (learnt.cause !== undefined) second.causes.push(learnt.cause);
  };
  let startsAt = 0;
  const startCall = () => {
    wanting -= 1;
    rate = afterSend(rate, now);
    const isThrottled = !take();
    flying.push({ sentAt: now, answeredAt: now + latencyMs * (0.5 + random()), isThrottled });
    // A late timer does not delay later calls, but any other wait does.
    lastPlannedAt = now - plannedAt <= lateMs + 1 ? plannedAt : now;
    plannedAt = lastPlannedAt + gapMs;
    gapMs = 1000 / rate.perSecond;
    startsAt = plannedAt + lateMs * random();
  };

  for (; now < scene.seconds * 1000; now += 1) {
    const granted = scene.allowed(now / 1000) / 1000;
    second.allowed += granted;
    tokens = Math.min(burst, tokens + granted);
    wanting = Math.min(5, wanting + demandPerSecond / 1000);
    foreignCalls();
    if (flying.some(({ answeredAt }) => answeredAt <= now)) {
      const [answered, rest] = [
        flying.filter((c) => c.answeredAt <= now),
        flying.filter((c) => c.answeredAt > now),
      ];
      flying = rest;
      answered.forEach(answer);
    }
    const dueAt = Math.max(startsAt, lastPlannedAt + 1000 / rate.perSecond, pausedUntil);
    if (now >= dueAt && flying.length < maxConcurrent && wanting >= 1) startCall();
    if (now % 1000 === 999) {
      seconds.push({ rate, ...second });
      second = { ok: 0, throttled: 0, allowed: 0, causes: [] };
    }
  }
  return seconds;
}

export interface Score {
  /** Successful calls divided by allowed calls. */
  readonly used: number;
  readonly throttledShare: number;
  readonly throttled: number;
}

export function score(seconds: readonly Second[]): Score {
  const [ok, throttled, allowed] = [
    total(seconds, 'ok'),
    total(seconds, 'throttled'),
    total(seconds, 'allowed'),
  ];
  return { used: ok / allowed, throttledShare: throttled / Math.max(1, ok + throttled), throttled };
}

export function total(seconds: readonly Second[], of: 'ok' | 'throttled' | 'allowed'): number {
  return seconds.reduce((sum, one) => sum + one[of], 0);
}
