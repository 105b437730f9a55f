import { Option } from 'commander';
import type { Command } from 'commander';
import { TRACKINGS } from '../domain/execution/execution.ts';
import type { Labels } from '../domain/execution/execution.ts';
import { pagesOf } from '../runtime/pages.ts';
import { receivedExecutionPageSchema } from '../wire/execution.ts';
import type { ReceivedExecution, ReceivedExecutionPage } from '../wire/execution.ts';
import { parseLabel, wholeNumber } from './terminal/arguments.ts';
import type { DaemonClient, DaemonOptions } from './api-client/client.ts';
import { printError } from './terminal/print-error.ts';
import { daemonCommand, withDaemon } from './api-client/daemon-command.ts';
import { alignColumns, formatDuration, formatLabels, oneLine } from './terminal/text.ts';

interface ListOptions extends DaemonOptions {
  readonly tracking?: string;
  readonly status?: string;
  readonly target?: string;
  readonly policy?: string;
  readonly label?: Labels;
  readonly limit: number;
  readonly json?: boolean;
}

const DEFAULT_LIMIT = 100;
const HIGHEST_LIMIT = 1_000_000;
/** The longest page that the API returns. */
const PAGE = 1000;
const HEADING = ['ID', 'TARGET', 'TRACKING', 'STATUS', 'FOR', 'LABELS'];

/** Lists executions, newest registration first: as a table for people, or as JSON lines for programs. */
export function listCommand(): Command {
  return daemonCommand(
    'list',
    'List the executions that a running daemon knows, newest registration first',
    `lifecycle-watcher list --tracking active --label team=platform
lifecycle-watcher list --status FAILED --json --limit 1000 | jq -r .lifecycleExecutionId`,
  )
    .addOption(
      new Option('--tracking <state>', 'only executions in this state of tracking').choices(TRACKINGS),
    )
    .option(
      '--status <status>',
      'only executions with this AWS status, such as IN_PROGRESS, in any case',
      upperCase,
    )
    .option('--target <name>', 'only executions of this target')
    .option('--policy <arn>', 'only executions of this lifecycle policy')
    .option('--label <key=value>', 'only executions with this label; repeatable', parseLabel)
    .option(
      '--limit <count>',
      'maximum number of executions to list',
      wholeNumber(1, HIGHEST_LIMIT),
      DEFAULT_LIMIT,
    )
    .option('--json', 'print one JSON object per line')
    .action((options: ListOptions) => withDaemon(options, (daemon) => list(daemon, options)));
}

const upperCase = (text: string) => text.toUpperCase();

async function list(daemon: DaemonClient, options: ListOptions): Promise<number> {
  const query = queryOf(options);
  const format = options.json === true ? jsonLines : tableFormat();
  let left = options.limit;
  let hasMore = false;
  const fetchPage = (cursor: string) => {
    query.set('limit', String(Math.min(left, PAGE)));
    if (cursor !== '') query.set('cursor', cursor);
    return daemon.ask(receivedExecutionPageSchema, `/v1/executions?${query.toString()}`, { scope: 'read' });
  };
  const nextOf = ({ nextCursor }: ReceivedExecutionPage) =>
    left > 0 ? (nextCursor ?? undefined) : undefined;
  for await (const { executions, nextCursor } of pagesOf('', fetchPage, nextOf)) {
    process.stdout.write(format(executions));
    left -= executions.length;
    hasMore = nextCursor !== null;
  }
  if (hasMore) printError(`only the first ${options.limit} are listed; use --limit to list more`);
  return 0;
}

function jsonLines(executions: readonly ReceivedExecution[]): string {
  return executions.map((execution) => `${JSON.stringify(execution)}\n`).join('');
}

/** Returns a function that formats one page after the other as a table, with the heading above the first. */
function tableFormat(): (executions: readonly ReceivedExecution[]) => string {
  const widths: number[] = [];
  let heading: readonly (readonly string[])[] = [HEADING];
  return (executions) => {
    const rows = [...heading, ...executions.map((execution) => row(execution, Date.now()))];
    heading = [];
    return alignColumns(rows, widths);
  };
}

function queryOf({ tracking, status, target, policy, label: labels = {} }: ListOptions): URLSearchParams {
  const filters = { tracking, status, target, policyArn: policy };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) if (value !== undefined) query.set(name, value);
  for (const [key, value] of Object.entries(labels)) query.set(`label.${key}`, value);
  return query;
}

function row(execution: ReceivedExecution, now: number): readonly string[] {
  const { lifecycleExecutionId, target, tracking, status = '-', statusSince, labels } = execution;
  const duration = statusSince === undefined ? '-' : formatDuration(now - Date.parse(statusSince));
  return [lifecycleExecutionId, target.name, tracking, status, duration, formatLabels(labels)].map(oneLine);
}
