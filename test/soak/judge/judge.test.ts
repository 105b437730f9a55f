import { describe, expect, it } from 'vitest';
import type { FeedEvent } from '../feed-reader.ts';
import type { Request } from '../recorder.ts';
import type { Evidence } from './evidence.ts';
import { judge } from './judge.ts';

const STARTED_AT = Date.UTC(2026, 0, 1);
const ID = 'lce-1';
const at = (seconds: number) => STARTED_AT + 1000 * seconds;
const instant = (seconds: number) => new Date(at(seconds)).toISOString();

function event(number: number, type: string, from: string | null, to: string, seenAfter: number): FeedEvent {
  return {
    id: `event-${number}`,
    type: `lifecycle-watcher.${type}`,
    subject: ID,
    executionsequence: number,
    data: { execution: { status: to }, transition: { from, to, firstSeenToAt: instant(seenAfter) } },
  };
}

const CANCELLING = event(1, 'execution.cancelling', 'IN_PROGRESS', 'CANCELLING', 11);
const CANCELLED = event(2, 'execution.cancelled', 'CANCELLING', 'CANCELLED', 21);
const FEED = [CANCELLING, CANCELLED];

function request(told: FeedEvent, life: number, differing: Partial<Request> = {}): Request {
  return { id: told.id, body: JSON.stringify(told), life, isSigned: true, isAccepted: true, ...differing };
}

/** One execution, cancelled and reported as it should be, in two lives. */
function evidence(differing: Partial<Evidence> = {}): Evidence {
  const feed = differing.feed ?? FEED;
  return {
    acknowledged: new Map([[ID, { team: 'a' }]]),
    truth: new Map([
      [
        ID,
        [
          { status: 'IN_PROGRESS', at: at(0) },
          { status: 'CANCELLING', at: at(10) },
          { status: 'CANCELLED', at: at(20) },
        ],
      ],
    ]),
    listed: [{ lifecycleExecutionId: ID, labels: { team: 'a', other: 'b' } }],
    feed,
    feedAnew: feed,
    feedRefusals: [],
    receivers: [{ name: 'steady', requests: feed.map((told) => request(told, 1)) }],
    lives: [
      { number: 1, end: 'killed', code: null },
      { number: 2, end: 'stopped', code: 0 },
    ],
    problems: [],
    maxConcurrent: 2,
    realTimesOf: (shownAt) => [shownAt],
    ...differing,
  };
}

/** The sentences that do not hold. */
const broken = (differing: Partial<Evidence>) =>
  judge(evidence(differing))
    .filter(({ faults }) => faults.length > 0)
    .map(({ sentence }) => sentence);

const receiving = (...requests: readonly Request[]) => ({ receivers: [{ name: 'steady', requests }] });
const [first, second] = [request(CANCELLING, 1), request(CANCELLED, 1)];

describe('the judge of a soak run', () => {
  it('finds nothing where all is well', () => {
    expect(broken({})).toEqual([]);
  });

  it.each<[string, Partial<Evidence>, readonly string[]]>([
    ['a registration is not there', { listed: [] }, ['no acknowledged registration is lost']],
    [
      'a label is gone',
      { listed: [{ lifecycleExecutionId: ID, labels: {} }] },
      ['no acknowledged registration is lost'],
    ],
    ['an end is not reported', { feed: [CANCELLING] }, ['every end is reported']],
    [
      'the reported end is another one',
      { feed: [CANCELLING, event(2, 'execution.succeeded', 'CANCELLING', 'SUCCESS', 21)] },
      ['every end is reported', 'every reported change is true'],
    ],
    [
      'a change was seen before it was so',
      { feed: [event(1, 'execution.cancelling', 'IN_PROGRESS', 'CANCELLING', 9), CANCELLED] },
      ['every reported change is true'],
    ],
    [
      'a change comes twice',
      {
        feed: [
          CANCELLING,
          event(2, 'execution.cancelling', 'CANCELLING', 'CANCELLING', 12),
          event(3, 'execution.cancelled', 'CANCELLING', 'CANCELLED', 21),
        ],
      },
      ['every reported change is true'],
    ],
    [
      'changes do not follow one another',
      { feed: [CANCELLING, event(2, 'execution.cancelled', 'IN_PROGRESS', 'CANCELLED', 21)] },
      ['every reported change is true'],
    ],
    [
      'the type is not that of the status',
      { feed: [event(1, 'execution.pending', 'IN_PROGRESS', 'CANCELLING', 11), CANCELLED] },
      ['every reported change is true'],
    ],
    [
      'an execution is made up',
      { truth: new Map(), acknowledged: new Map() },
      ['every reported change is true'],
    ],
    [
      'a number is left out',
      { feed: [CANCELLING, { ...CANCELLED, executionsequence: 3 }] },
      ['executionsequence has no gaps'],
    ],
    [
      'the feed has an event twice',
      { feed: [CANCELLING, CANCELLED, CANCELLED] },
      [
        'every reported change is true',
        'executionsequence has no gaps',
        'the feed neither skips nor repeats',
        'repeats are of what was in flight at an end',
      ],
    ],
    [
      'the feed skipped an event along the way',
      { feedAnew: [CANCELLING, event(9, 'execution.pending', null, 'PENDING', 12), CANCELLED] },
      ['the feed neither skips nor repeats'],
    ],
    ['a cursor was refused', { feedRefusals: ['410'] }, ['the feed neither skips nor repeats']],
    [
      'an event never arrived',
      receiving(first, { ...second, isAccepted: false }),
      ['receivers got what the feed has, byte for byte'],
    ],
    [
      'an event is in no feed',
      receiving(first, second, { ...second, id: 'event-9' }),
      ['receivers got what the feed has, byte for byte'],
    ],
    [
      'a repeat has another body',
      receiving(first, { ...second, isAccepted: false }, second, { ...first, life: 2, body: '{}' }),
      ['receivers got what the feed has, byte for byte', 'repeats have the same body'],
    ],
    [
      'an accepted event comes again in the same life',
      receiving(first, second, second),
      ['repeats are of what was in flight at an end'],
    ],
    ['a signature is wrong', receiving(first, { ...second, isSigned: false }), ['every request is signed']],
    [
      'it ends by itself',
      { lives: [{ number: 1, end: 'by itself', code: 0 }] },
      ['it ends only when it is told to'],
    ],
    [
      'it does not end well when it is stopped',
      { lives: [{ number: 1, end: 'stopped', code: 1 }] },
      ['it ends only when it is told to'],
    ],
    [
      'it does not get ready',
      { problems: ['life 1 did not get ready'] },
      ['it gets ready after each start and each trouble'],
    ],
  ])('finds that %s', (_what, differing, sentences) => {
    expect(broken(differing)).toEqual(sentences);
  });

  it('allows repeats of what was in flight when a life ended, and no more', () => {
    const third = event(3, 'execution.pending', 'CANCELLED', 'PENDING', 22);
    const requests = [first, second, request(third, 1)];
    const again = (count: number) => requests.slice(0, count).map((repeat) => ({ ...repeat, life: 2 }));
    const sentence = 'repeats are of what was in flight at an end';
    expect(broken(receiving(...requests, ...again(2)))).not.toContain(sentence);
    expect(broken(receiving(...requests, ...again(3)))).toContain(sentence);
  });

  it('counts a repeat once that is refused and comes once more', () => {
    const refused = { ...first, life: 2, isAccepted: false };
    expect(broken(receiving(first, second, refused, refused, { ...first, life: 3 }))).toEqual([]);
  });

  it('reads a clock that was moved as what it may have shown', () => {
    const seenEarly = event(1, 'execution.cancelling', 'IN_PROGRESS', 'CANCELLING', 11 - 3600);
    const feed = [seenEarly, CANCELLED];
    expect(broken({ feed })).toEqual(['every reported change is true']);
    expect(broken({ feed, realTimesOf: (shownAt) => [shownAt, shownAt + 3_600_000] })).toEqual([]);
  });
});
