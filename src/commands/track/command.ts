import type { Command } from 'commander';
import type { Labels } from '../../domain/execution/execution.ts';
import { systemClock } from '../../runtime/clock.ts';
import { receivedBatchResultsSchema } from '../../wire/registration.ts';
import type { ReceivedResult } from '../../wire/registration.ts';
import { parseExecutionIds, parseInstant, parseLabel, timeoutOption } from '../terminal/arguments.ts';
import { printError } from '../terminal/print-error.ts';
import type { DaemonClient, DaemonOptions } from '../api-client/client.ts';
import { daemonCommand, withDaemon } from '../api-client/daemon-command.ts';
import { problemLines } from '../api-client/failure.ts';
import { oneLine } from '../terminal/text.ts';
import { EXIT_CODES_HELP } from '../wait/exit-codes.ts';
import { waitForAll } from './wait-for-all.ts';

export interface TrackOptions extends DaemonOptions {
  readonly target?: string;
  readonly label?: Labels;
  readonly callbackUrl?: string;
  readonly resourceArn?: string;
  readonly expectedAt?: string;
  readonly giveUpAt?: string;
  readonly json?: boolean;
  readonly wait?: boolean;
  readonly timeout: number;
}

/** The API accepts 1,000 executions and 2 MiB in one request. */
const BATCH = 1000;
const BATCH_BYTES = 2_000_000;

/** Registers executions with a running daemon and, with `--wait`, waits until they end, which decides the exit code. */
export function trackCommand(): Command {
  return daemonCommand(
    'track',
    'Register executions with a running daemon, which then watches them',
    `lifecycle-watcher track lce-5a1c6f2e-7d7e-4a4f-9b1d-3c2b1a0f9e8d --label team=platform --wait`,
  )
    .argument('<id...>', 'ids of the lifecycle executions', parseExecutionIds)
    .option('--target <name>', 'target the executions run in; optional if the daemon has only one')
    .option('--label <key=value>', 'label for all of these executions; repeatable', parseLabel)
    .option('--callback-url <url>', 'URL that receives their events, if the daemon allows it')
    .option('--resource-arn <arn>', 'ARN of the resource they work on')
    .option('--expected-at <instant>', 'when they should start, such as 2026-11-23T06:00:00Z', parseInstant)
    .option('--give-up-at <instant>', 'when to stop tracking them', parseInstant)
    .option(
      '--json',
      'print one JSON object per line: the result of each registration or, with --wait, each execution once it has ended',
    )
    .option('--wait', 'wait until all have ended; the token needs the scope read')
    .addOption(timeoutOption())
    .addHelpText(
      'after',
      `
Exit codes with --wait:${EXIT_CODES_HELP}
If several executions end differently, the exit code is the first that occurs of 1, 6, 5, 3, 4, 0.`,
    )
    .action((ids: readonly string[], options: TrackOptions) =>
      withDaemon(options, (daemon) => track(daemon, ids, options)),
    );
}

async function track(daemon: DaemonClient, ids: readonly string[], options: TrackOptions): Promise<number> {
  const results = await registerAll(daemon, [...new Set(ids)], options);
  const registered = results.filter(({ outcome }) => outcome !== 'invalid');
  const code = registered.length < results.length ? 1 : 0;
  if (options.wait !== true || registered.length === 0) return code;
  const waited = await waitForAll(
    daemon,
    registered.map(({ lifecycleExecutionId }) => lifecycleExecutionId),
    { ...options, timeoutMs: options.timeout, clock: systemClock },
  );
  return code === 0 ? waited : code;
}

async function registerAll(
  daemon: DaemonClient,
  ids: readonly string[],
  options: TrackOptions,
): Promise<readonly ReceivedResult[]> {
  const { target, label: labels, callbackUrl, resourceArn, expectedAt, giveUpAt } = options;
  const executions = ids.map((lifecycleExecutionId) => {
    return { lifecycleExecutionId, target, labels, callbackUrl, resourceArn, expectedAt, giveUpAt };
  });
  // All ids have the same length, and so have the entries.
  const bytesEach = Buffer.byteLength(JSON.stringify(executions[0])) + 1;
  const count = Math.max(1, Math.min(BATCH, Math.floor(BATCH_BYTES / bytesEach)));
  const all: ReceivedResult[] = [];
  for (let at = 0; at < executions.length; at += count) {
    const body = { executions: executions.slice(at, at + count) };
    const { results } = await daemon.ask(receivedBatchResultsSchema, '/v1/executions/batch', {
      scope: 'register',
      body,
    });
    for (const result of results) printResult(result, options);
    all.push(...results);
  }
  return all;
}

function printResult(
  { lifecycleExecutionId: id, outcome, error }: ReceivedResult,
  { json, wait }: TrackOptions,
): void {
  if (error !== undefined) {
    const [message = '', ...details] = problemLines({ ...error, detail: error.message });
    printError(`${oneLine(id)}: ${message}`, ...details);
  }
  if (json === true && wait !== true)
    process.stdout.write(`${JSON.stringify({ lifecycleExecutionId: id, outcome, error })}\n`);
  else if (json !== true && error === undefined)
    process.stdout.write(`${oneLine(id)}  ${OUTCOME_TEXTS[outcome]}\n`);
}

const OUTCOME_TEXTS = { created: 'tracked', existing: 'already known', invalid: 'not tracked' } as const;
