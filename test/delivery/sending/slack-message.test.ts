import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSender } from '../../../src/delivery/sending/sender.ts';
import { slackMessage } from '../../../src/delivery/sending/slack-message.ts';
import { EVENT_TYPES, newEvent, newTargetEvent } from '../../../src/domain/change/event.ts';
import type { EventType, ExecutionEventType } from '../../../src/domain/change/event.ts';
import type { Execution } from '../../../src/domain/execution/execution.ts';
import { endpointTestBody } from '../../../src/domain/change/test-event.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { TARGET, anExecution, executionId } from '../../support/executions.ts';
import { startFakeReceiver } from '../../support/fake-receiver.ts';

const AT = Date.UTC(2026, 10, 23, 6);

interface Text {
  readonly type: string;
  readonly text: string;
  readonly verbatim?: boolean;
}
interface Message {
  readonly text: string;
  readonly blocks: readonly {
    readonly type: string;
    readonly text?: Text;
    readonly fields?: readonly Text[];
    readonly elements?: readonly Text[];
  }[];
}

const isOfExecution = (type: EventType): type is ExecutionEventType => type.startsWith('execution.');

function bodyOf(type: EventType, differing: Partial<Execution> = {}): string {
  if (!isOfExecution(type)) {
    const problem = { kind: 'denied', message: 'AccessDeniedException', since: AT } as const;
    return newTargetEvent(type, TARGET, problem, 1, AT).body;
  }
  const execution = anExecution({
    status: 'FAILED',
    sequence: 2,
    labels: { team: 'platform' },
    ...differing,
  });
  const told = { from: 'IN_PROGRESS', to: 'FAILED', lastSeenFromAt: AT - 9000, firstSeenToAt: AT };
  return newEvent(type, execution, TARGET, AT, told).body;
}

const messageOf = (body: string) => JSON.parse(slackMessage(body)) as Message;
const textsOf = ({ text, blocks }: Message) => [
  text,
  ...blocks.flatMap((block) =>
    [block.text, ...(block.fields ?? []), ...(block.elements ?? [])].flatMap((part) => part?.text ?? []),
  ),
];

describe('a Slack message', () => {
  it.each(EVENT_TYPES)('for %s has a title and a subject', (type) => {
    const message = messageOf(bodyOf(type));
    const [header] = message.blocks;
    expect(header).toMatchObject({ type: 'header', text: { type: 'plain_text' } });
    expect(header?.text?.text).not.toContain(type);
    const subject = isOfExecution(type) ? executionId(1) : TARGET.name;
    expect(message.text).toContain(`${header?.text?.text ?? '?'}: ${subject}`);
    const all = textsOf(message).join('\n');
    for (const part of [subject, TARGET.accountId, TARGET.region, type, '2026-11-23T06:00:00.000Z'])
      expect(all).toContain(part);
  });

  it('has a different title for each event', () => {
    const titles = [...EVENT_TYPES.map((type) => bodyOf(type)), endpointTestBody('people', 'id', AT)].map(
      (body) => messageOf(body).blocks[0]?.text?.text,
    );
    expect(new Set(titles).size).toBe(EVENT_TYPES.length + 1);
  });

  it('shows the reason, the change, the target and the labels', () => {
    const body = bodyOf('execution.failed', {
      reason: 'An AMI could not be deleted.',
      lifecyclePolicyArn: 'arn:aws:imagebuilder:eu-west-1:123456789012:lifecycle-policy/golden',
    });
    const message = messageOf(body);
    expect(message.text).toBe(
      `❌ Lifecycle execution failed: ${executionId(1)} – An AMI could not be deleted.`,
    );
    expect(message.blocks.map(({ type }) => type)).toEqual(['header', 'section', 'section', 'context']);
    expect(message.blocks[1]?.fields?.map(({ text }) => text)).toEqual([
      `*Execution*\n\`${executionId(1)}\``,
      '*Target*\n`prod · 123456789012 · eu-west-1`',
      '*Status*\n`IN_PROGRESS → FAILED`',
      '*Policy*\n`arn:aws:imagebuilder:eu-west-1:123456789012:lifecycle-policy/golden`',
    ]);
    expect(message.blocks[2]?.text?.text).toBe('*Reason*\n```An AMI could not be deleted.```');
    expect(message.blocks[3]?.elements?.[0]?.text).toBe(
      'execution.failed\n`2026-11-23T06:00:00.000Z team=platform`',
    );
  });

  it.each(['', ' \n', '\u200b'])('omits a reason without visible characters: %j', (reason) => {
    const message = messageOf(bodyOf('execution.failed', { reason }));
    expect(message.text).toBe(`❌ Lifecycle execution failed: ${executionId(1)}`);
    expect(message.blocks.map(({ type }) => type)).toEqual(['header', 'section', 'context']);
  });

  it('shows the problem of a target, and the touched resources', () => {
    expect(textsOf(messageOf(bodyOf('target.unreachable'))).join('\n')).toMatch(
      /\*Problem\*\n`denied`[^]*AccessDeniedException/,
    );
    const body = JSON.parse(bodyOf('execution.failed')) as { data: object };
    const counts = [
      { action: 'DELETE', status: 'SUCCESS', count: 12 },
      { action: 'DISABLE', status: 'FAILED', count: 1 },
    ];
    const withResources = { ...body, data: { ...body.data, resources: { counts, truncated: true } } };
    expect(textsOf(messageOf(JSON.stringify(withResources))).join('\n')).toContain(
      '*Touched*\n`12 × DELETE SUCCESS, 1 × DISABLE FAILED and more`',
    );
  });

  it('depends on the event alone, so it has the same bytes each time', () => {
    const body = bodyOf('execution.failed', { reason: 'größer <als> 2 GB & mehr' });
    expect(slackMessage(body)).toBe(slackMessage(body));
  });

  it('shows the known members of an event from another version', () => {
    const body = JSON.stringify({ type: 'lifecycle-watcher.execution.<new>', subject: 'x', data: {} });
    expect(messageOf(body).text).toBe('ℹ️ execution.&lt;new&gt;: x');
    expect(() => slackMessage('{}')).not.toThrow();
  });

  const NASTY = [
    '<!channel> look',
    '<!here|x> <@U012345> <#C012345>',
    '<https://evil.example|Sign in>',
    '@channel @here @everyone',
    '`</code>` *bold* _x_ ~y~ ```block```',
    '&lt;!channel&gt; &amp;',
    'two\nlines\r\nand\ttabs\u0000 and \u202Ereversed\u2066 \u2028 words\u200B',
    '\uD800 half a pair',
    '<'.repeat(5000),
    '&'.repeat(5000),
    '👩‍👩‍👧‍👦'.repeat(500),
  ];

  it.each(NASTY)('shows %j as plain text', (reason) => {
    const labels = Object.fromEntries(
      Array.from({ length: 32 }, (_, at) => [`k${at}`, reason.slice(0, 256)]),
    );
    const body = bodyOf('execution.failed', {
      reason,
      labels,
      resourceArn: reason,
      lifecyclePolicyArn: reason,
    });
    check(messageOf(body));
  });

  it('shows any text as plain text, within the limits of Slack', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 3000 }), fc.constantFrom(...NASTY));
    fc.assert(
      fc.property(text, text, fc.constantFrom(...EVENT_TYPES), (reason, other, type) => {
        const labels = { team: other };
        check(messageOf(bodyOf(type, { reason, resourceArn: other, status: other, labels })));
      }),
      { numRuns: 200 },
    );
  });
});

/** What holds of every message, whatever the event says. */
function check(message: Message): void {
  for (const text of textsOf(message)) {
    // Every control character of Slack is an entity, and no entity is cut.
    expect(text).not.toMatch(/[<>]|&(?!(amp|lt|gt);)/);
    expect(text.isWellFormed()).toBe(true);
    expect(text.replaceAll('\n', ' ')).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]/u);
  }
  expect(message.text).not.toMatch(/@[a-z]/);
  expect(message.text.length).toBeLessThanOrEqual(1000);
  expect(message.blocks.length).toBeLessThanOrEqual(50);
  for (const { text, fields = [], elements = [], type } of message.blocks) {
    if (type === 'header') expect(text?.text.length).toBeLessThanOrEqual(150);
    if (type === 'section' && text !== undefined) expect(text.text.length).toBeLessThanOrEqual(3000);
    expect(fields.length).toBeLessThanOrEqual(10);
    const markups = [...(text?.type === 'mrkdwn' ? [text] : []), ...fields, ...elements];
    for (const part of fields) expect(part.text.length).toBeLessThanOrEqual(2000);
    for (const { verbatim, text: markup } of markups) {
      // Links and names are not looked for, and all that comes from outside is in one fence that it cannot end.
      expect(verbatim).toBe(true);
      expect(markup).toMatch(/^(\*\w+\*|[a-z_.]+)\n(`[^`]+`|```[^`]+```)$/);
    }
  }
}

describe('a delivery to Slack', () => {
  it('is a JSON message without a signature, with the same bytes at each attempt', async () => {
    await using slack = await startFakeReceiver((response) => response.writeHead(500).end('no_service'));
    const egress = { allowPrivateNetworks: true, allowCidrs: [], httpsOnly: false };
    await using sender = createSender({ egress, clock: systemClock, version: '1' });
    const { signal } = new AbortController();
    const event = { eventId: 'event', body: bodyOf('execution.failed', { reason: 'größer ✗' }) };
    const to = { url: slack.url, format: 'slack' as const, secrets: [], headers: {}, timeoutMs: 10_000 };
    expect(await sender.send({ ...to, ...event, signal })).toEqual({ outcome: 'rejected', httpStatus: 500 });
    slack.respondWith((response) => response.writeHead(200).end('ok'));
    expect((await sender.send({ ...to, ...event, signal })).outcome).toBe('delivered');
    const [first, second] = slack.received();
    expect(second?.body).toBe(first?.body);
    expect(first?.body).toBe(slackMessage(event.body));
    expect(first?.headers['content-type']).toBe('application/json');
    expect(Object.keys(first?.headers ?? {}).filter((name) => name.startsWith('webhook-'))).toEqual([]);
  });
});
