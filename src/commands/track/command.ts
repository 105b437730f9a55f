import type { Command } from 'commander';
import * as z from 'zod';
import type { Labels } from '../../domain/execution/execution.ts';
import { REGISTRATION_OUTCOMES } from '../../domain/execution/registration.ts';
import { systemClock } from '../../runtime/clock.ts';
import { executionIds, instant, label, timeoutOption } from '../terminal/arguments.ts';
import { complain } from '../terminal/complain.ts';
import type { DaemonClient, DaemonOptions } from '../api-client/client.ts';
import { daemonCommand, withDaemon } from '../api-client/client-command.ts';
import { problemLines } from '../api-client/failure.ts';
import { oneLine } from '../api-client/text.ts';
import { waitForAll } from './until-ended.ts';

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

/** What the API takes at a time; of bodies 2 MiB. */
const BATCH = 1000;
const BATCH_BYTES = 2_000_000;

const batchSchema = z.object({
  results: z.array(
    z.object({
      lifecycleExecutionId: z.string(),
      outcome: z.enum(REGISTRATION_OUTCOMES),
      error: z
        .object({
          code: z.string(),
          message: z.string(),
          errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
        })
        .optional(),
    }),
  ),
});
type Result = z.output<typeof batchSchema>['results'][number];

/** Registers executions with a running daemon and, if asked to, waits for their end: the exit code tells how. */
export function trackCommand(): Command {
  return daemonCommand(
    'track',
    'has a running daemon watch executions',
    `lifecycle-watcher track lce-5a1c6f2e-7d7e-4a4f-9b1d-3c2b1a0f9e8d --label team=platform --wait`,
  )
    .argument('<id...>', 'of the lifecycle executions', executionIds)
    .option('--target <name>', 'where they run; may be left out where the daemon has one target')
    .option('--label <key=value>', 'of all of them; may be given several times', label)
    .option('--callback-url <url>', 'gets their events, where the daemon allows it')
    .option('--resource-arn <arn>', 'what they work on')
    .option('--expected-at <instant>', 'when they are to begin, such as 2026-11-23T06:00:00Z', instant)
    .option('--give-up-at <instant>', 'when to track them no longer', instant)
    .option('--json', 'one JSON object a line: what became of each; with --wait the execution at its end')
    .option('--wait', 'wait until they have ended; needs the scope read')
    .addOption(timeoutOption())
    .addHelpText(
      'after',
      `
Exit codes with --wait: 0 SUCCESS, 3 FAILED, 4 CANCELLED, 5 timed out, 6 not found, 1 denied or broken, 2 wrong usage;
of several executions the worst of 1, 6, 5, 3, 4, 0.`,
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
): Promise<readonly Result[]> {
  const { target, label: labels, callbackUrl, resourceArn, expectedAt, giveUpAt } = options;
  const executions = ids.map((lifecycleExecutionId) => {
    const wishes = { target, labels, callbackUrl, resourceArn, expectedAt, giveUpAt };
    return { lifecycleExecutionId, ...wishes };
  });
  // All of them are as long.
  const bytesEach = Buffer.byteLength(JSON.stringify(executions[0])) + 1;
  const count = Math.max(1, Math.min(BATCH, Math.floor(BATCH_BYTES / bytesEach)));
  const all: Result[] = [];
  for (let at = 0; at < executions.length; at += count) {
    const body = { executions: executions.slice(at, at + count) };
    const { results } = await daemon.ask(batchSchema, '/v1/executions/batch', { scope: 'register', body });
    for (const result of results) tell(result, options);
    all.push(...results);
  }
  return all;
}

function tell({ lifecycleExecutionId: id, outcome, error }: Result, { json, wait }: TrackOptions): void {
  if (error !== undefined) {
    const [message = '', ...more] = problemLines({ ...error, detail: error.message });
    complain(`${oneLine(id)}: ${message}`, ...more);
  }
  if (json === true && wait !== true)
    process.stdout.write(`${JSON.stringify({ lifecycleExecutionId: id, outcome, error })}\n`);
  else if (json !== true && error === undefined)
    process.stdout.write(`${oneLine(id)}  ${OUTCOME_TEXTS[outcome]}\n`);
}

const OUTCOME_TEXTS = { created: 'tracked', existing: 'known already', invalid: 'not tracked' } as const;
