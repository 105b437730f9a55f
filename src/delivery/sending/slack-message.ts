import { TYPE_PREFIX } from '../../domain/change/event.ts';
import type { EventType } from '../../domain/change/event.ts';
import { clean, code, codeBlock, escaped } from './slack-text.ts';

/** The members of an event that a message shows. Each may be missing, because another version may have stored the event. */
interface ShownEvent {
  readonly type?: string;
  readonly subject?: string;
  readonly time?: string;
  readonly data?: {
    readonly target?: { readonly name?: string; readonly accountId?: string; readonly region?: string };
    readonly execution?: Readonly<Partial<Record<string, string | boolean>>>;
    readonly transition?: { readonly from?: string | null; readonly to?: string };
    readonly since?: string;
    readonly problem?: { readonly kind?: string; readonly message?: string };
    readonly resources?: {
      readonly counts?: readonly {
        readonly action: string;
        readonly status: string;
        readonly count: number;
      }[];
      readonly truncated?: boolean;
    };
    readonly labels?: Readonly<Record<string, string>>;
  };
}

/** The title of each event, by its short name. */
const TITLES: Readonly<Record<EventType | 'endpoint.test', string>> = {
  'execution.pending': '⏸️ Lifecycle execution paused until the next run of its policy',
  'execution.resumed': '▶️ Lifecycle execution was resumed',
  'execution.cancelling': '🛑 Lifecycle execution is being cancelled',
  'execution.succeeded': '✅ Lifecycle execution succeeded',
  'execution.failed': '❌ Lifecycle execution failed',
  'execution.cancelled': '🚫 Lifecycle execution was cancelled',
  'execution.unknown_status': '❓ Lifecycle execution has an unknown status',
  'execution.stalled': '⏳ Lifecycle execution has stayed in one status for too long',
  'execution.not_found': '🔍 AWS does not know the lifecycle execution',
  'execution.expired': '⌛ Lifecycle execution is no longer watched because its time is up',
  'target.unreachable': '🔌 Target is unreachable',
  'target.recovered': '🔋 Target is reachable again',
  'endpoint.test': '👋 Test: events will arrive here',
};

const titles: ReadonlyMap<string, string> = new Map(Object.entries(TITLES));

/** The character limits of Slack (https://docs.slack.dev/reference/block-kit/blocks). */
const LIMITS = { header: 150, field: 2000, section: 3000, context: 2000 } as const;
/** Notifications show little more than this. */
const REASON_IN_TEXT = 200;

const mrkdwn = (text: string) => ({ type: 'mrkdwn', text, verbatim: true }) as const;

/**
 * Returns the body that posts a stored CloudEvent to a Slack incoming webhook. The same event always gives the same bytes. No
 * text from outside can become a link, a mention or markup.
 */
export function slackMessage(cloudEvent: string): string {
  const event = JSON.parse(cloudEvent) as ShownEvent;
  const { subject = '', time = '', data = {} } = event;
  const type = (event.type ?? '').replace(TYPE_PREFIX, '');
  const title = titles.get(type) ?? `ℹ️ ${type}`;
  const reason = reasonOf(data);
  const text = [`${title}: ${subject}`, ...(reason === undefined ? [] : [reason])]
    .map((part) => escaped(clean(part).replaceAll('@', '@\u200b'), REASON_IN_TEXT))
    .join(' – ');
  return JSON.stringify({
    text,
    blocks: [
      {
        type: 'header',
        text: { type: 'plain_text', text: escaped(clean(title), LIMITS.header), emoji: true },
      },
      { type: 'section', fields: fieldsOf(subject, data) },
      ...(reason === undefined
        ? []
        : [{ type: 'section', text: mrkdwn(codeBlock('*Reason*', reason, LIMITS.section)) }]),
      { type: 'context', elements: [mrkdwn(contextOf(type, time, data.labels ?? {}))] },
    ],
    unfurl_links: false,
    unfurl_media: false,
  });
}

function reasonOf({ execution, problem }: NonNullable<ShownEvent['data']>): string | undefined {
  const { reason } = execution ?? {};
  const text = problem?.message ?? (typeof reason === 'string' ? reason : '');
  return clean(text) === '' ? undefined : text;
}

/** Returns at most eight fields; Slack accepts ten. */
function fieldsOf(subject: string, data: NonNullable<ShownEvent['data']>) {
  const { target, execution = {}, transition, since, problem, resources } = data;
  const fields: readonly (readonly [name: string, value: unknown])[] = [
    [execution['lifecycleExecutionId'] === undefined ? 'Subject' : 'Execution', subject],
    ['Target', target && [target.name, target.accountId, target.region].filter(Boolean).join(' · ')],
    [
      'Status',
      transition ? [transition.from ?? 'not seen before', transition.to].join(' → ') : execution['status'],
    ],
    ['Problem', problem?.kind],
    ['Since', since],
    ['Policy', execution['lifecyclePolicyArn']],
    ['Resource', execution['resourceArn']],
    ['Touched', resources && countsText(resources)],
  ];
  return fields
    .filter((field): field is readonly [string, string] => typeof field[1] === 'string' && field[1] !== '')
    .map(([name, value]) => mrkdwn(code(`*${name}*`, value, LIMITS.field)));
}

function countsText({
  counts = [],
  truncated = false,
}: NonNullable<NonNullable<ShownEvent['data']>['resources']>) {
  const parts = counts.map(({ action, status, count }) => `${count} × ${action} ${status}`);
  return parts.length === 0 ? 'nothing' : `${parts.join(', ')}${truncated ? ' and more' : ''}`;
}

function contextOf(type: string, time: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return code(escaped(clean(type), LIMITS.header), [time, ...pairs].join(' '), LIMITS.context);
}
