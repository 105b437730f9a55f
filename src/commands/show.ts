import type { Command } from 'commander';
import { receivedExecutionEventsSchema } from '../wire/event.ts';
import type { ReceivedEvent } from '../wire/event.ts';
import { receivedExecutionSchema } from '../wire/execution.ts';
import type { ReceivedExecution } from '../wire/execution.ts';
import type { DaemonClient, DaemonOptions } from './api-client/client.ts';
import { parseExecutionId } from './terminal/arguments.ts';
import { daemonCommand, executionPath, withDaemon } from './api-client/daemon-command.ts';
import { alignColumns, formatLabels, oneLine } from './terminal/text.ts';

interface ShowOptions extends DaemonOptions {
  readonly target?: string;
  readonly events?: boolean;
  readonly json?: boolean;
}

/** Shows one execution and, on request, its events. */
export function showCommand(): Command {
  return daemonCommand(
    'show',
    'Show what a running daemon knows about an execution',
    'lifecycle-watcher show lce-5a1c6f2e-7d7e-4a4f-9b1d-3c2b1a0f9e8d --events',
  )
    .argument('<id>', 'id of the lifecycle execution', parseExecutionId)
    .option('--target <name>', 'target of the execution; needed if several targets have this id')
    .option('--events', 'also show its events, up to the latest 1,000')
    .option('--json', 'print one JSON object; --events adds the member `events`')
    .action((id: string, options: ShowOptions) => withDaemon(options, (daemon) => show(daemon, id, options)));
}

async function show(daemon: DaemonClient, id: string, { target, events: withEvents, json }: ShowOptions) {
  const read = { scope: 'read' } as const;
  const execution = await daemon.ask(receivedExecutionSchema, executionPath(id, target), read);
  const { events } =
    withEvents === true
      ? await daemon.ask(receivedExecutionEventsSchema, executionPath(id, target, '/events'), read)
      : { events: undefined };
  if (json === true) {
    process.stdout.write(`${JSON.stringify(events === undefined ? execution : { ...execution, events })}\n`);
    return 0;
  }
  process.stdout.write(alignColumns(members(execution), []));
  if (events !== undefined) process.stdout.write(`\n${eventTable(events)}`);
  return 0;
}

/** Returns a row for each member of the response. */
function members(execution: ReceivedExecution): readonly (readonly string[])[] {
  const texts: Readonly<Record<string, string | undefined>> = {
    target: `${execution.target.name} (${execution.target.accountId}, ${execution.target.region})`,
    labels: formatLabels(execution.labels),
    resources: execution.resources && resourcesText(execution.resources),
  };
  return Object.entries(execution).map(([name, value]) => [
    name,
    texts[name] ?? oneLine(typeof value === 'string' ? value : JSON.stringify(value)),
  ]);
}

function resourcesText({ counts, truncated }: NonNullable<ReceivedExecution['resources']>): string {
  const texts = counts.map(({ action, status, count }) => `${action} ${status} ${count}`);
  return [...(texts.length === 0 ? ['none'] : texts), ...(truncated ? ['not all are listed yet'] : [])].join(
    ', ',
  );
}

function eventTable(events: readonly ReceivedEvent[]): string {
  const rows = events.map(({ executionsequence, time, type, id, data: { transition, since } }) => [
    String(executionsequence),
    time,
    type.replace(/^lifecycle-watcher\./, ''),
    transition === undefined ? `since ${since ?? '-'}` : `${transition.from ?? '-'} → ${transition.to}`,
    id,
  ]);
  return alignColumns([['#', 'TIME', 'EVENT', 'CHANGE', 'ID'], ...rows.map((row) => row.map(oneLine))], []);
}
