import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../../src/domain/call/operation.ts';
import type { Operation } from '../../../src/domain/call/operation.ts';
import { CALL_OUTCOMES, TROUBLES } from '../../../src/domain/call/outcome.ts';
import { PROBLEM_KINDS, afterCall, isInDoubt, withProblem } from '../../../src/domain/call/reachability.ts';
import type { EndedCall, Reachability, TargetProblem } from '../../../src/domain/call/reachability.ts';

const REACHABLE: Reachability = { isReachable: true };
const START = Date.UTC(2026, 0, 1);

type Ending = EndedCall['outcome'] | (typeof TROUBLES)[number];

/** Returns a call that ended with this outcome or trouble `seconds` after the start. */
function call(ending: Ending, seconds: number, operation: Operation = 'GetLifecycleExecution'): EndedCall {
  const trouble = TROUBLES.find((candidate) => candidate === ending && ending !== 'unavailable');
  const at = START + seconds * 1000;
  const common = { operation, message: ending, at, tick: seconds * 1000 };
  if (trouble === 'denied' || trouble === 'credentials') return { ...common, outcome: 'denied', trouble };
  if (trouble === 'connection') return { ...common, outcome: 'unavailable', trouble };
  if (ending === 'unavailable') return { ...common, outcome: 'unavailable', trouble: 'unavailable' };
  return { ...common, outcome: ending as EndedCall['outcome'] };
}

type Calls = readonly (readonly [Ending, number, Operation?])[];

const after = (calls: Calls, from = REACHABLE) =>
  calls.reduce(
    (state, [ending, seconds, operation]) => afterCall(state, call(ending, seconds, operation)),
    from,
  );

describe('whether a target is unreachable', () => {
  it.each<[string, Calls, boolean]>([
    [
      'it is after three denials over ten seconds',
      [
        ['denied', 0],
        ['denied', 5],
        ['denied', 10],
      ],
      false,
    ],
    [
      'it is not after two denials',
      [
        ['denied', 0],
        ['denied', 60],
      ],
      true,
    ],
    [
      'it is not within ten seconds of the first failure',
      [
        ['connection', 0],
        ['connection', 4],
        ['connection', 9.9],
      ],
      true,
    ],
    [
      'it is after a later failure, once ten seconds have passed',
      [
        ['connection', 0],
        ['connection', 1],
        ['connection', 2],
        ['connection', 11],
      ],
      false,
    ],
    [
      'it is after failures of different kinds',
      [
        ['denied', 0],
        ['credentials', 5],
        ['connection', 10],
      ],
      false,
    ],
    [
      'it is even if a 5xx comes in between',
      [
        ['denied', 0],
        ['denied', 5],
        ['unavailable', 8],
        ['denied', 12],
      ],
      false,
    ],
    [
      'it is not if one of the three failures is a 5xx',
      [
        ['denied', 0],
        ['unavailable', 5],
        ['denied', 12],
      ],
      true,
    ],
    [
      'it is after failures of different operations that polls need',
      [
        ['credentials', 0, 'GetCallerIdentity'],
        ['connection', 5, 'GetCallerIdentity'],
        ['denied', 10],
      ],
      false,
    ],
    [
      'it is not if lists are denied or fail',
      [
        ['denied', 0, 'ListLifecycleExecutionResources'],
        ['connection', 10, 'ListLifecyclePolicies'],
        ['unavailable', 20, 'ListLifecycleExecutions'],
        ['unavailable', 400, 'ListLifecycleExecutions'],
      ],
      true,
    ],
    [
      'it is even if lists succeed in between',
      [
        ['denied', 0],
        ['ok', 2, 'ListLifecyclePolicies'],
        ['denied', 5],
        ['ok', 7, 'ListLifecycleExecutions'],
        ['denied', 12],
      ],
      false,
    ],
    [
      'it is not if AWS answers in between',
      [
        ['denied', 0],
        ['denied', 5],
        ['missing', 8],
        ['denied', 12],
      ],
      true,
    ],
    [
      'it is not if AWS throttles in between',
      [
        ['denied', 0],
        ['throttled', 5],
        ['denied', 8],
        ['denied', 12],
      ],
      true,
    ],
    [
      'it is even if a malformed response comes in between',
      [
        ['denied', 0],
        ['malformed', 5],
        ['denied', 8],
        ['denied', 12],
      ],
      false,
    ],
    [
      'it is after five minutes of 5xx',
      [
        ['unavailable', 0],
        ['unavailable', 150],
        ['unavailable', 300],
      ],
      false,
    ],
    [
      'it is not before five minutes of 5xx',
      [
        ['unavailable', 0],
        ['unavailable', 150],
        ['unavailable', 299],
      ],
      true,
    ],
    [
      'it is not if one call succeeds in between',
      [
        ['unavailable', 0],
        ['ok', 150],
        ['unavailable', 300],
      ],
      true,
    ],
    [
      'it is after five minutes of mixed failures',
      [
        ['unavailable', 0],
        ['connection', 100],
        ['unavailable', 301],
      ],
      false,
    ],
  ])('%s', (_case, calls, isReachable) => {
    expect(after(calls).isReachable).toBe(isReachable);
  });

  it('the problem has the kind of the latest failure and the time of the first', () => {
    const { problem } = after([
      ['connection', 0],
      ['connection', 5],
      ['denied', 10],
    ]);
    expect(problem).toEqual({ kind: 'denied', message: 'denied', since: START });
  });

  it('a wrong account makes it unreachable at once', () => {
    const problem = { kind: 'wrong_account', message: 'of another', since: START } as const;
    expect(withProblem(REACHABLE, problem)).toEqual({ isReachable: false, problem });
  });

  it('a second problem keeps the time of the first', () => {
    const denied = after([
      ['denied', 0],
      ['denied', 5],
      ['denied', 10],
    ]);
    const wrong = withProblem(denied, {
      kind: 'wrong_account',
      message: 'of another',
      since: START + 20_000,
    });
    expect(wrong.problem).toEqual({ kind: 'wrong_account', message: 'of another', since: START });
  });
});

describe('an unreachable target', () => {
  const unreachable = after([
    ['denied', 0],
    ['denied', 5],
    ['denied', 10],
  ]);

  it.each(['ok', 'missing', 'rejected', 'throttled'] as const)('recovers on %s', (outcome) => {
    expect(after([[outcome, 20]], unreachable)).toEqual(REACHABLE);
  });

  it.each(['malformed', 'denied', 'connection', 'unavailable'] as const)(
    'does not recover on %s',
    (outcome) => {
      expect(after([[outcome, 20]], unreachable).isReachable).toBe(false);
    },
  );

  it.each(['missing', 'rejected', 'throttled'] as const)(
    'does not recover from all_missing on %s',
    (outcome) => {
      const state = withProblem(REACHABLE, { kind: 'all_missing', message: '', since: START });
      expect(after([[outcome, 20]], state)).toEqual(state);
      expect(after([['ok', 21]], state)).toEqual(REACHABLE);
    },
  );

  it.each(['all_missing', 'wrong_account'] as const)('keeps the problem %s if calls fail', (kind) => {
    const state = withProblem(REACHABLE, { kind, message: '', since: START });
    for (const ending of ['malformed', 'denied', 'credentials', 'connection', 'unavailable'] as const)
      expect(after([[ending, 20]], state)).toEqual(state);
  });
});

describe('an answer that is not about a poll', () => {
  const unreachable = (kind: TargetProblem['kind']) =>
    withProblem(REACHABLE, { kind, message: '', since: START });

  it.each(['wrong_account', 'credentials'] as const)('ends the problem %s if STS gives it', (kind) => {
    expect(after([['ok', 20, 'GetCallerIdentity']], unreachable(kind))).toEqual(REACHABLE);
  });

  it.each(['denied', 'connection', 'unavailable', 'all_missing'] as const)(
    'does not end the problem %s if STS gives it',
    (kind) => {
      expect(after([['ok', 20, 'GetCallerIdentity']], unreachable(kind))).toEqual(unreachable(kind));
    },
  );

  it('ends no problem if STS rejects or throttles it, but does interrupt a row of failures', () => {
    const calls: Calls = [
      ['throttled', 20, 'GetCallerIdentity'],
      ['rejected', 21, 'GetCallerIdentity'],
    ];
    expect(after(calls, unreachable('credentials'))).toEqual(unreachable('credentials'));
    expect(after([['connection', 0, 'GetCallerIdentity'], ...calls])).toEqual(REACHABLE);
  });

  it.each(PROBLEM_KINDS)('does not end the problem %s if it is a list', (kind) => {
    expect(after([['ok', 20, 'ListLifecycleExecutions']], unreachable(kind))).toEqual(unreachable(kind));
  });

  it('casts doubt on polls if a list fails for want of connection or credentials, but not if it is denied', () => {
    const list = 'ListLifecyclePolicies';
    expect(isInDoubt(after([['denied', 0, list]]))).toBe(false);
    for (const ending of ['connection', 'unavailable', 'credentials'] as const) {
      expect(isInDoubt(after([[ending, 0, list]]))).toBe(true);
      expect(
        isInDoubt(
          after([
            [ending, 0, list],
            ['missing', 1],
          ]),
        ),
      ).toBe(false);
    }
  });
});

it('an unreachable target always has a problem, and the ok of a poll always ends it', () => {
  const endings = fc.constantFrom<Ending>(...CALL_OUTCOMES, ...TROUBLES);
  fc.assert(
    fc.property(fc.array(fc.tuple(endings, fc.nat(400), fc.constantFrom(...OPERATIONS))), (steps) => {
      let seconds = 0;
      let state = REACHABLE;
      for (const [outcome, passed, operation] of steps) {
        seconds += passed;
        state = afterCall(state, call(outcome, seconds, operation));
        if (!state.isReachable) expect(PROBLEM_KINDS).toContain(state.problem?.kind);
      }
      expect(afterCall(state, call('ok', seconds))).toEqual(REACHABLE);
    }),
  );
});
