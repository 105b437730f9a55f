import { HazardBook, newGlobalHazards } from '../../../src/domain/cadence/hazard-book.ts';
import { ageZeroAt, stayKind, observedSpan } from '../../../src/domain/cadence/stay.ts';
import type { Hazard } from '../../../src/domain/cadence/hazard.ts';
import type { Execution } from '../../../src/domain/execution/execution.ts';
import { transition } from '../../../src/domain/change/transition.ts';
import { anExecution, TARGET } from '../../support/executions.ts';
import type { Peer } from './peers.ts';
import type { Population, Run } from './populations.ts';
import { seeded } from '../../support/random.ts';

/** The calls for one run, and the delay in seconds with which each of its changes was seen. */
export interface PolledRun {
  readonly calls: number;
  readonly lags: readonly number[];
}

/** Polls one run to its end. */
export type Poller = (run: Run, index: number) => PolledRun;

const START = Date.UTC(2026, 0, 1);
const JITTER = 0.1;

function statusAt({ stays }: Run, at: number): string {
  return stays.find(({ endsAt }) => at < endsAt)?.status ?? 'SUCCESS';
}

/** Returns the times of the changes that a poll at `at` shows for the first time. */
function changesBetween({ stays }: Run, from: number, at: number): number[] {
  return stays.map(({ endsAt }) => endsAt).filter((endsAt) => endsAt > from && endsAt <= at);
}

export function peerPoller({ delay }: Peer, scale: number, seed: number): Poller {
  return (run, index) => {
    const random = seeded(seed + index);
    const lags: number[] = [];
    let at = 0;
    for (let look = 1; ; look += 1) {
      const next = at + scale * delay(look, random);
      lags.push(...changesBetween(run, at, next).map((change) => next - change));
      at = next;
      if (statusAt(run, at) === 'SUCCESS') return { calls: look + 1, lags };
    }
  };
}

/** Polls by a hazard h with a density of √h / c, and calls `learn` after each poll. */
function hazardPoller(
  c: number,
  seed: number,
  hazardOf: (execution: Execution, index: number) => Hazard,
  learn: (execution: Execution, observation: Parameters<typeof observedSpan>[1]) => void,
): Poller {
  return (run, index) => {
    const random = seeded(seed + index);
    const lags: number[] = [];
    const expected = run.expectedAt === undefined ? {} : { expectedAt: START + run.expectedAt * 1000 };
    let execution = anExecution({ registeredAt: START, ...expected });
    let at = 0;
    for (let calls = 1; ; calls += 1) {
      const status = statusAt(run, at);
      const sentAt = START + at * 1000;
      const observation = {
        status,
        startTime: START,
        ...(run.policy === undefined ? {} : { lifecyclePolicyArn: run.policy }),
        ...(status === 'SUCCESS' ? { endTime: START + run.stays.at(-1)!.endsAt * 1000 } : {}),
        sentAt,
        answeredAt: sentAt,
        sentTick: sentAt,
        answeredTick: sentAt,
      };
      learn(execution, observation);
      if (status === 'SUCCESS') return { calls, lags };
      const change = status === execution.status ? undefined : transition(execution, TARGET, observation);
      execution = change?.next ?? { ...execution, lastPolledAt: sentAt, lastSeenAt: sentAt };
      const age = (sentAt - ageZeroAt(execution, sentAt)) / 1000;
      const seconds =
        hazardOf(execution, index).ageAfter(age, c * (1 - JITTER + 2 * JITTER * random())) - age;
      const next = at + seconds;
      lags.push(...changesBetween(run, at, next).map((end) => next - end));
      at = next;
    }
  };
}

export function optimalPoller({ truth }: Population, c: number, seed: number): Poller {
  return hazardPoller(
    c,
    seed,
    (execution, index) => truth(index, execution),
    () => undefined,
  );
}

export function learningPoller(c: number, seed: number, book = new HazardBook(newGlobalHazards())): Poller {
  return hazardPoller(
    c,
    seed,
    ({ lifecyclePolicyArn, status }) => book.classOf(lifecyclePolicyArn, stayKind(status)).curve,
    (execution, observation) => {
      const watched = observedSpan(execution, observation);
      if (watched !== undefined)
        book.watch(observation.lifecyclePolicyArn, stayKind(execution.status), watched);
    },
  );
}
