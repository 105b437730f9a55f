import { describe, expect, it } from 'vitest';
import type { FeedEvent } from '../feed-reader.ts';
import type { Request } from '../recorder.ts';
import type { Evidence } from './evidence.ts';
import { judge } from './judge.ts';

const STARTED_AT = Date.UTC(2026, 0, 1);
const ID = 'lce-1';
const at = (seconds: number) => STARTED_AT + 1000 * seconds;
const instant = (seconds: number) => new Date(at(seconds)).toISOString();

function feedEvent(
  number: number,
  type: string,
  from: string | null,
  to: string,
  seenAfter: number,
): FeedEvent {
  return {
    id: `event-${number}`,
    type: `lifecycle-watcher.${type}`,
    subject: ID,
    executionsequence: number,
    data: { execution: { status: to }, transition: { from, to, firstSeenToAt: instant(seenAfter) } },
  };
}

const CANCELLING = feedEvent(1, 'execution.cancelling', 'IN_PROGRESS', 'CANCELLING', 11);
const CANCELLED = feedEvent(2, 'execution.cancelled', 'CANCELLING', 'CANCELLED', 21);
const FEED = [CANCELLING, CANCELLED];

function request(event: FeedEvent, life: number, differing: Partial<Request> = {}): Request {
  return { id: event.id, body: JSON.stringify(event), life, isSigned: true, isAccepted: true, ...differing };
}

/** The evidence of a good run: one execution, cancelled and reported, and two lives of the daemon. */
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
    feedReread: feed,
    feedRefusals: [],
    receivers: [{ name: 'steady', requests: feed.map((entry) => request(entry, 1)) }],
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

/** Returns the sentences that are not true. */
const broken = (differing: Partial<Evidence>) =>
  judge(evidence(differing))
    .filter(({ faults }) => faults.length > 0)
    .map(({ sentence }) => sentence);

const receiving = (...requests: readonly Request[]) => ({ receivers: [{ name: 'steady', requests }] });
const [first, second] = [request(CANCELLING, 1), request(CANCELLED, 1)];

describe('the judge of a soak run', () => {
  it('finds no fault in a good run', () => {
    expect(broken({})).toEqual([]);
  });

  it.each<[string, Partial<Evidence>, readonly string[]]>([
    ['a registration is missing', { listed: [] }, ['no acknowledged registration is lost']],
    [
      'a label is gone',
      { listed: [{ lifecycleExecutionId: ID, labels: {} }] },
      ['no acknowledged registration is lost'],
    ],
    ['an end is not reported', { feed: [CANCELLING] }, ['every end is reported']],
    [
      'the reported end is another one',
      { feed: [CANCELLING, feedEvent(2, 'execution.succeeded', 'CANCELLING', 'SUCCESS', 21)] },
      ['every end is reported', 'every reported change is true'],
    ],
    [
      'a change was seen before it happened',
      { feed: [feedEvent(1, 'execution.cancelling', 'IN_PROGRESS', 'CANCELLING', 9), CANCELLED] },
      ['every reported change is true'],
    ],
    [
      'a change is reported twice',
      {
        feed: [
          CANCELLING,
          feedEvent(2, 'execution.cancelling', 'CANCELLING', 'CANCELLING', 12),
          feedEvent(3, 'execution.cancelled', 'CANCELLING', 'CANCELLED', 21),
        ],
      },
      ['every reported change is true'],
    ],
    [
      'changes do not follow one another',
      { feed: [CANCELLING, feedEvent(2, 'execution.cancelled', 'IN_PROGRESS', 'CANCELLED', 21)] },
      ['every reported change is true'],
    ],
    [
      'the event type does not match the status',
      { feed: [feedEvent(1, 'execution.pending', 'IN_PROGRESS', 'CANCELLING', 11), CANCELLED] },
      ['every reported change is true'],
    ],
    [
      'an execution never existed',
      { truth: new Map(), acknowledged: new Map() },
      ['every reported change is true'],
    ],
    [
      'a sequence number is missing',
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
        'only deliveries in flight at an end are repeated',
      ],
    ],
    [
      'the feed skipped an event when it was followed',
      { feedReread: [CANCELLING, feedEvent(9, 'execution.pending', null, 'PENDING', 12), CANCELLED] },
      ['the feed neither skips nor repeats'],
    ],
    ['a cursor was refused', { feedRefusals: ['410'] }, ['the feed neither skips nor repeats']],
    [
      'an event never arrived',
      receiving(first, { ...second, isAccepted: false }),
      ['receivers got every event of the feed, byte for byte'],
    ],
    [
      'a received event is not in the feed',
      receiving(first, second, { ...second, id: 'event-9' }),
      ['receivers got every event of the feed, byte for byte'],
    ],
    [
      'a repeat has another body',
      receiving(first, { ...second, isAccepted: false }, second, { ...first, life: 2, body: '{}' }),
      ['receivers got every event of the feed, byte for byte', 'repeats have the same body'],
    ],
    [
      'an accepted event is sent again within the same life',
      receiving(first, second, second),
      ['only deliveries in flight at an end are repeated'],
    ],
    ['a signature is wrong', receiving(first, { ...second, isSigned: false }), ['every request is signed']],
    [
      'the daemon ends by itself',
      { lives: [{ number: 1, end: 'by itself', code: 0 }] },
      ['the daemon ends only when it is stopped'],
    ],
    [
      'the daemon exits with another code than 0 when it is stopped',
      { lives: [{ number: 1, end: 'stopped', code: 1 }] },
      ['the daemon ends only when it is stopped'],
    ],
    [
      'the daemon does not become ready',
      { problems: ['life 1 did not become ready'] },
      ['the daemon becomes ready after each start and each fault'],
    ],
  ])('finds that %s', (_fault, differing, sentences) => {
    expect(broken(differing)).toEqual(sentences);
  });

  it('allows no more repeats than deliveries in flight when a life ended', () => {
    const third = feedEvent(3, 'execution.pending', 'CANCELLED', 'PENDING', 22);
    const requests = [first, second, request(third, 1)];
    const again = (count: number) => requests.slice(0, count).map((repeat) => ({ ...repeat, life: 2 }));
    const sentence = 'only deliveries in flight at an end are repeated';
    expect(broken(receiving(...requests, ...again(2)))).not.toContain(sentence);
    expect(broken(receiving(...requests, ...again(3)))).toContain(sentence);
  });

  it('counts a repeat only once if it is refused and sent again', () => {
    const refused = { ...first, life: 2, isAccepted: false };
    expect(broken(receiving(first, second, refused, refused, { ...first, life: 3 }))).toEqual([]);
  });

  it('accepts every time that a shifted clock can have shown', () => {
    const seenEarly = feedEvent(1, 'execution.cancelling', 'IN_PROGRESS', 'CANCELLING', 11 - 3600);
    const feed = [seenEarly, CANCELLED];
    expect(broken({ feed })).toEqual(['every reported change is true']);
    expect(broken({ feed, realTimesOf: (shownAt) => [shownAt, shownAt + 3_600_000] })).toEqual([]);
  });
});
