import { readFile } from 'node:fs/promises';
import { EVENT_TYPES, newTargetEvent } from '../../src/domain/change/event.ts';
import type { EventType } from '../../src/domain/change/event.ts';
import type { Execution } from '../../src/domain/execution/execution.ts';
import type { Observation } from '../../src/domain/execution/observation.ts';
import { JITTER, LADDER_SECONDS } from '../../src/domain/delivery/retry-ladder.ts';
import { stall } from '../../src/domain/change/stall.ts';
import { endpointTestBody } from '../../src/domain/change/test-event.ts';
import { expire, notFound } from '../../src/domain/change/tracking-end.ts';
import { transition } from '../../src/domain/change/transition.ts';
import type { Change } from '../../src/domain/change/transition.ts';
import { pageText, table } from './doc-page.ts';

const PAGE = new URL('../../docs/events.md', import.meta.url);
const TARGET = { name: 'prod-use1', accountId: '123456789012', region: 'us-east-1' };
const SIX_O_CLOCK = Date.UTC(2026, 10, 23, 6);
const minutes = (count: number) => SIX_O_CLOCK + count * 60_000;

/** The execution after its registration, before the first poll. */
const REGISTERED: Execution = {
  accountId: TARGET.accountId,
  region: TARGET.region,
  lifecycleExecutionId: 'lce-5a1c6f2e-7d7e-4a4f-9b1d-3c2b1a0f9e8d',
  registration: 1,
  registeredAt: SIX_O_CLOCK + 1204,
  tracking: 'active',
  source: 'api',
  sequence: 0,
  labels: { team: 'platform' },
};
/** The members that AWS shows once the execution runs. */
const SHOWN = {
  lifecyclePolicyArn: `arn:aws:imagebuilder:us-east-1:${TARGET.accountId}:lifecycle-policy/golden-images`,
  startTime: SIX_O_CLOCK + 801,
  hasImpactedResources: true,
};
const RUNNING: Execution = {
  ...REGISTERED,
  ...SHOWN,
  status: 'IN_PROGRESS',
  statusSince: SIX_O_CLOCK + 801,
  lastSeenAt: minutes(13) + 57_002,
};
const RESOURCES = {
  counts: [
    { action: 'DELETE', status: 'FAILED', count: 1 },
    { action: 'DELETE', status: 'SUCCESS', count: 12 },
  ],
  truncated: false,
};

function after(before: Execution, status: string, at: number, differing: Partial<Observation> = {}): Change {
  const observation = { ...SHOWN, status, sentAt: at - 80, answeredAt: at, sentTick: 1, answeredTick: 2 };
  const change = transition(before, TARGET, { ...observation, ...differing });
  if (change === undefined) throw new Error(`${status} changes nothing`);
  return change;
}

function bodyOf({ event }: { readonly event?: { readonly body: string } } = {}): string {
  if (event === undefined) throw new Error('no event');
  return event.body;
}

const END = { endTime: minutes(14) + 5110, resources: RESOURCES };
const CHANGE_SEEN_AT = minutes(14) + 9310;
const PROBLEM = {
  kind: 'denied',
  message: 'AccessDeniedException: not authorized',
  since: minutes(20),
} as const;
const LIMITS = { IN_PROGRESS: 86_400 };

/** The body of an example of each event, built by the code that builds real events. */
export const EXAMPLES: Readonly<Record<EventType | 'endpoint.test', () => string>> = {
  'execution.pending': () => bodyOf(after(RUNNING, 'PENDING', CHANGE_SEEN_AT)),
  'execution.resumed': () => {
    const paused = after(RUNNING, 'PENDING', CHANGE_SEEN_AT).next;
    return bodyOf(after({ ...paused, lastSeenAt: minutes(1440) }, 'IN_PROGRESS', minutes(1442)));
  },
  'execution.cancelling': () => bodyOf(after(RUNNING, 'CANCELLING', CHANGE_SEEN_AT)),
  'execution.succeeded': () => {
    const resources = { counts: RESOURCES.counts.slice(1), truncated: false };
    return bodyOf(after(RUNNING, 'SUCCESS', CHANGE_SEEN_AT, { ...END, resources }));
  },
  'execution.failed': () => {
    const reason = 'One or more resource actions failed.';
    return bodyOf(after(RUNNING, 'FAILED', CHANGE_SEEN_AT, { ...END, reason }));
  },
  'execution.cancelled': () => bodyOf(after(REGISTERED, 'CANCELLED', CHANGE_SEEN_AT, END)),
  'execution.unknown_status': () => bodyOf(after(RUNNING, 'VALIDATING', CHANGE_SEEN_AT)),
  'execution.stalled': () => {
    const at = minutes(1440) + 14_500;
    const look = { ...SHOWN, status: 'IN_PROGRESS', sentAt: at - 80, answeredAt: at };
    return bodyOf(stall(RUNNING, TARGET, { ...look, sentTick: 1, answeredTick: 2 }, LIMITS));
  },
  'execution.not_found': () => bodyOf(notFound(REGISTERED, TARGET, SIX_O_CLOCK + 1300, minutes(10) + 5200)),
  'execution.expired': () => bodyOf(expire(RUNNING, TARGET, REGISTERED.registeredAt + 90 * 86_400_000)),
  'target.unreachable': () =>
    newTargetEvent('target.unreachable', TARGET, PROBLEM, 1, minutes(20) + 12_000).body,
  'target.recovered': () => {
    const recovered = { ...PROBLEM, since: minutes(45) };
    return newTargetEvent('target.recovered', TARGET, recovered, 2, minutes(45)).body;
  },
  'endpoint.test': () => endpointTestBody('ops', '8f6c0a52-3d0e-4f9b-9a53-2f0c3f0b7e11', SIX_O_CLOCK),
};

/** The sentences above each example: when the event is sent. */
const DESCRIPTIONS: Readonly<Record<keyof typeof EXAMPLES, string>> = {
  'execution.pending': 'The run is paused and continues at the next daily run of its policy.',
  'execution.resumed':
    'The execution is in progress again. Finding it in progress at the first poll sends no event.',
  'execution.cancelling': 'The execution is being cancelled.',
  'execution.succeeded': 'The execution succeeded; also sent if the first poll already finds it so.',
  'execution.failed':
    'One or more actions failed; others may have succeeded. Also sent if the first poll already finds it so.',
  'execution.cancelled':
    'The execution was cancelled; actions already taken are not undone. In this example the first poll found it so, which is why `from` and `lastSeenFromAt` are null.',
  'execution.unknown_status':
    'AWS shows a status that this version does not know. The execution stays tracked.',
  'execution.stalled':
    'The execution has been in one status for longer than the target’s `stalledAfterSeconds`. One event is sent for each stay that lasts so long; `since` is when it began.',
  'execution.not_found':
    'AWS does not know the execution: it said so in five answers over at least ten minutes, or for a day if the execution had been seen before. It is no longer tracked. `since` is the time of the first such answer.',
  'execution.expired':
    'The execution did not end before its `giveUpAt`, or within `polling.giveUpAfterDays` if it has none, and the clock of AWS agrees. It is no longer tracked. `since` is when it was registered.',
  'target.unreachable':
    'The target as a whole cannot be polled; `problem.kind` says why. The status of its executions does not change. `since` is the time of the first failure.',
  'target.recovered':
    'The target can be polled again; `problem` is the problem that it had. `since` is the time of the first good answer.',
  'endpoint.test':
    'Requested with `POST /v1/endpoints/NAME/test`. This event is not in the feed and has no sequence.',
};

function examplesText(): string {
  return [...EVENT_TYPES, 'endpoint.test' as const]
    .map((type) => {
      const json = JSON.stringify(JSON.parse(EXAMPLES[type]()), null, 2);
      return `### ${type}\n\n${DESCRIPTIONS[type]}\n\n\`\`\`json\n${json}\n\`\`\`\n`;
    })
    .join('\n');
}

const UNITS = [
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

/** Formats seconds for people: 36000 is `10 h`, 19.5 is `19.5 s`, 390 is `6 min 30 s`. */
function duration(seconds: number): string {
  const parts: string[] = [];
  let rest = Math.round(seconds * 10) / 10;
  for (const [unit, size] of UNITS) {
    const count = size === 1 ? rest : Math.floor(rest / size);
    if (count > 0) parts.push(`${count} ${unit}`);
    rest -= count * size;
  }
  return parts.length === 0 ? '0 s' : parts.join(' ');
}

function ladderText(): string {
  const totals = LADDER_SECONDS.map((_, at) =>
    LADDER_SECONDS.slice(0, at + 1).reduce((sum, step) => sum + step, 0),
  );
  const rows = LADDER_SECONDS.map((step, at) => [
    `${at + 2}`,
    duration(step),
    duration(step * (1 - JITTER)),
    duration(step * (1 + JITTER)),
    duration(totals[at] ?? 0),
  ]);
  return table(
    ['attempt', 'after', 'earliest', 'latest', 'since the first, about'],
    [['1', 'at once', '', '', ''], ...rows],
  );
}

/** Returns `docs/events.md` with the parts between its marks generated anew from the code. */
export const eventsPageText = () =>
  pageText('docs/events.md', { examples: examplesText, ladder: ladderText });

/** Returns the program below the mark `tested: NAME`. */
export async function testedProgram(name: string): Promise<string> {
  const page = await readFile(PAGE, 'utf8');
  const program = new RegExp(`<!-- tested: ${name} -->\\s+\`\`\`js\\n([^]*?)\`\`\``).exec(page)?.[1];
  if (program === undefined) throw new Error(`docs/events.md: no program is marked ${name}`);
  return program;
}
