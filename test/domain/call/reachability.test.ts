import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CALL_OUTCOMES, TROUBLES } from '../../../src/domain/call/outcome.ts';
import { PROBLEM_KINDS, afterCall, withProblem } from '../../../src/domain/call/reachability.ts';
import type { EndedCall, Reachability } from '../../../src/domain/call/reachability.ts';

const REACHABLE: Reachability = { isReachable: true };
const START = Date.UTC(2026, 0, 1);

type Told = EndedCall['outcome'] | (typeof TROUBLES)[number];

/** A call that ended so, `seconds` after the start. */
function call(told: Told, seconds: number): EndedCall {
  const trouble = TROUBLES.find((candidate) => candidate === told && told !== 'unavailable');
  const at = START + seconds * 1000;
  const common = { message: told, at, tick: seconds * 1000 };
  if (trouble === 'denied' || trouble === 'credentials') return { ...common, outcome: 'denied', trouble };
  if (trouble === 'connection') return { ...common, outcome: 'unavailable', trouble };
  if (told === 'unavailable') return { ...common, outcome: 'unavailable', trouble: 'unavailable' };
  return { ...common, outcome: told as EndedCall['outcome'] };
}

const after = (calls: readonly (readonly [Told, number])[], from = REACHABLE) =>
  calls.reduce((state, [told, seconds]) => afterCall(state, call(told, seconds)), from);

describe('a target becomes unreachable', () => {
  it.each<[string, (readonly [Told, number])[], boolean]>([
    [
      'after three refusals over ten seconds',
      [
        ['denied', 0],
        ['denied', 5],
        ['denied', 10],
      ],
      false,
    ],
    [
      'not by two',
      [
        ['denied', 0],
        ['denied', 60],
      ],
      true,
    ],
    [
      'not within ten seconds',
      [
        ['connection', 0],
        ['connection', 4],
        ['connection', 9.9],
      ],
      true,
    ],
    [
      'by a later one, once ten seconds are over',
      [
        ['connection', 0],
        ['connection', 1],
        ['connection', 2],
        ['connection', 11],
      ],
      false,
    ],
    [
      'by troubles of different kinds',
      [
        ['denied', 0],
        ['credentials', 5],
        ['connection', 10],
      ],
      false,
    ],
    [
      'not where an error of AWS comes between',
      [
        ['denied', 0],
        ['denied', 5],
        ['unavailable', 8],
        ['denied', 12],
      ],
      true,
    ],
    [
      'not where an answer comes between',
      [
        ['denied', 0],
        ['denied', 5],
        ['missing', 8],
        ['denied', 12],
      ],
      true,
    ],
    [
      'not where a throttle comes between',
      [
        ['denied', 0],
        ['throttled', 5],
        ['denied', 8],
        ['denied', 12],
      ],
      true,
    ],
    [
      'whatever an answer that cannot be read says',
      [
        ['denied', 0],
        ['malformed', 5],
        ['denied', 8],
        ['denied', 12],
      ],
      false,
    ],
    [
      'after five minutes of errors of AWS',
      [
        ['unavailable', 0],
        ['unavailable', 150],
        ['unavailable', 300],
      ],
      false,
    ],
    [
      'not before',
      [
        ['unavailable', 0],
        ['unavailable', 150],
        ['unavailable', 299],
      ],
      true,
    ],
    [
      'not where one call went well',
      [
        ['unavailable', 0],
        ['ok', 150],
        ['unavailable', 300],
      ],
      true,
    ],
    [
      'after five minutes without a good answer',
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

  it('with the kind of the latest failure since the first', () => {
    const { problem } = after([
      ['connection', 0],
      ['connection', 5],
      ['denied', 10],
    ]);
    expect(problem).toEqual({ kind: 'denied', message: 'denied', since: START });
  });

  it('at once where it is said so', () => {
    const problem = { kind: 'wrong_account', message: 'of another', since: START } as const;
    expect(withProblem(REACHABLE, problem)).toEqual({ isReachable: false, problem });
  });

  it('and stays so since the first problem', () => {
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

describe('it recovers', () => {
  const unreachable = after([
    ['denied', 0],
    ['denied', 5],
    ['denied', 10],
  ]);

  it.each(['ok', 'missing', 'rejected', 'throttled'] as const)('by %s', (told) => {
    expect(after([[told, 20]], unreachable)).toEqual(REACHABLE);
  });

  it.each(['malformed', 'denied', 'connection', 'unavailable'] as const)('not by %s', (told) => {
    expect(after([[told, 20]], unreachable).isReachable).toBe(false);
  });

  it.each(['all_missing', 'wrong_account'] as const)('from %s by nothing but ok', (kind) => {
    const state = withProblem(REACHABLE, { kind, message: '', since: START });
    const others: Told[] = [
      ...CALL_OUTCOMES.filter((outcome) => outcome !== 'ok'),
      'connection',
      'credentials',
    ];
    for (const told of others) expect(after([[told, 20]], state)).toEqual(state);
    expect(after([['ok', 20]], state)).toEqual(REACHABLE);
  });
});

it('whatever comes, an unreachable target has a problem of a known kind, and ok clears everything', () => {
  const told = fc.constantFrom<Told>(...CALL_OUTCOMES, ...TROUBLES);
  fc.assert(
    fc.property(fc.array(fc.tuple(told, fc.nat(400))), (steps) => {
      let seconds = 0;
      let state = REACHABLE;
      for (const [outcome, passed] of steps) {
        seconds += passed;
        state = afterCall(state, call(outcome, seconds));
        if (!state.isReachable) expect(PROBLEM_KINDS).toContain(state.problem?.kind);
      }
      expect(afterCall(state, call('ok', seconds))).toEqual(REACHABLE);
    }),
  );
});
