import type { Hazard } from '../../../src/domain/cadence/hazard.ts';
import type { Execution } from '../../../src/domain/execution/execution.ts';
import { exponential, logNormal, mixture, normalAround } from './distributions.ts';
import type { Distribution } from './distributions.ts';
import { knownHazard } from './optimum.ts';

export const DAY = 86_400;
const SIGMA = 0.3;

/** The stays of one execution. Times are in seconds since its registration, when it starts or, if scheduled, begins to wait. */
export interface Run {
  readonly policy?: string;
  readonly expectedAt?: number;
  readonly stays: readonly { readonly status: string; readonly endsAt: number }[];
}

export interface Population {
  readonly name: string;
  readonly draw: (index: number, random: () => number) => Run;
  /** The true hazard of the present stay of an execution, which only the optimum knows. */
  readonly truth: (index: number, execution: Execution) => Hazard;
}

function simple(name: string, lengths: Distribution, policy: string | undefined): Population {
  const hazard = knownHazard(lengths);
  return {
    name,
    draw: (_, random) => ({
      ...(policy === undefined ? {} : { policy }),
      stays: [{ status: 'IN_PROGRESS', endsAt: lengths.draw(random) }],
    }),
    truth: () => hazard,
  };
}

const MINUTE = logNormal(60, SIGMA);
const TEN_MINUTES = logNormal(600, SIGMA);
const SIX_HOURS = logNormal(21_600, SIGMA);

function separate(name: string, parts: readonly Distribution[]): Population {
  const hazards = parts.map(knownHazard);
  return {
    name,
    draw: (index, random) => ({
      policy: `policy ${index % parts.length}`,
      stays: [{ status: 'IN_PROGRESS', endsAt: parts[index % parts.length]!.draw(random) }],
    }),
    truth: (_, { lifecyclePolicyArn }) => hazards[Number(lifecyclePolicyArn?.slice(-1))]!,
  };
}

/** Runs that wait up to thirty days for their time, and then take a minute. */
function scheduled(): Population {
  const hazard = knownHazard(MINUTE);
  return {
    name: 'scheduled far ahead',
    draw(_, random) {
      const expectedAt = DAY * (1 + 29 * random());
      return { expectedAt, stays: [{ status: 'IN_PROGRESS', endsAt: expectedAt + MINUTE.draw(random) }] };
    },
    truth: () => hazard,
  };
}

/** Runs of ten minutes, then PENDING until about a day after the start, then ten minutes more. */
function pendingOvernight(): Population {
  const running = knownHazard(TEN_MINUTES);
  const resuming = normalAround(60, 120);
  const pending = knownHazard(resuming);
  return {
    name: 'PENDING overnight',
    draw(_, random) {
      const paused = TEN_MINUTES.draw(random);
      const resumed = DAY + resuming.draw(random);
      return {
        policy: 'daily',
        stays: [
          { status: 'IN_PROGRESS', endsAt: paused },
          { status: 'PENDING', endsAt: resumed },
          { status: 'IN_PROGRESS', endsAt: resumed + TEN_MINUTES.draw(random) },
        ],
      };
    },
    truth: (_, { status }) => (status === 'PENDING' ? pending : running),
  };
}

/** Runs that take ten minutes before `index` reaches `at`, and another time from then on. */
function changing(name: string, at: number, later: Distribution): Population {
  const before = knownHazard(TEN_MINUTES);
  const after = knownHazard(later);
  return {
    name,
    draw: (index, random) => ({
      policy: 'changing',
      stays: [{ status: 'IN_PROGRESS', endsAt: (index < at ? TEN_MINUTES : later).draw(random) }],
    }),
    truth: (index) => (index < at ? before : after),
  };
}

/** All populations. `changeAt` is the index at which the changing ones change. */
export function populations(changeAt: number): readonly Population[] {
  return [
    simple('a minute, ad hoc', MINUTE, undefined),
    simple('ten minutes, policy', TEN_MINUTES, 'policy'),
    separate('10 min and 6 h apart', [TEN_MINUTES, SIX_HOURS]),
    separate('1 min, 10 min, 6 h apart', [MINUTE, TEN_MINUTES, SIX_HOURS]),
    simple('10 min and 6 h in one', mixture([TEN_MINUTES, SIX_HOURS]), 'mixed'),
    simple('1 min, 10 min, 6 h in one', mixture([MINUTE, TEN_MINUTES, SIX_HOURS]), 'mixed'),
    scheduled(),
    pendingOvernight(),
    simple('exponential, 10 min', exponential(600), 'policy'),
    changing('change: 10 to 20 min', changeAt, logNormal(1200, SIGMA)),
    changing('change: 10 to 4 min', changeAt, logNormal(240, SIGMA)),
  ];
}
