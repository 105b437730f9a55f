import { Command } from 'commander';
import { configuredRegion } from '../../imagebuilder/aws-clients.ts';
import { createAws } from '../../imagebuilder/aws.ts';
import { createBottleneckLimiter } from '../../limiter/bottleneck-limiter.ts';
import { NO_NOTICES } from '../../notices/notices.ts';
import { createBudget } from '../../polling/budget.ts';
import { waitForEnd } from './wait-for-end.ts';
import { systemClock } from '../../runtime/clock.ts';
import { parseExecutionId, parseRegion, timeoutOption } from '../terminal/arguments.ts';
import { printError } from '../terminal/print-error.ts';
import { abortWhenStopped } from '../terminal/until-stopped.ts';
import { EXIT_CODES_HELP, WAIT_EXIT_CODES, exitCodeOf, signalExitCode } from './exit-codes.ts';
import { createProgress } from './progress.ts';

interface WaitOptions {
  readonly region?: string;
  readonly timeout: number;
}

/** One execution needs no more, and nothing else in this process shares the budget. */
const CALLS_PER_SECOND = 2;

/** Waits for one execution without a daemon. The exit code depends on how the execution ended. */
export function waitCommand(): Command {
  return new Command('wait')
    .description('Wait for one execution to end by asking AWS directly, without a daemon')
    .argument('<id>', 'id of the lifecycle execution', parseExecutionId)
    .option(
      '--region <region>',
      'AWS Region of the execution (default: from $AWS_REGION or the AWS profile)',
      parseRegion,
    )
    .addOption(timeoutOption())
    .addHelpText(
      'after',
      `
Credentials and AWS_ENDPOINT_URL are read as the AWS SDK reads them. Ctrl-C ends the wait and leaves the execution alone.

Exit codes:${EXIT_CODES_HELP}

Example:
  lifecycle-watcher wait lce-5a1c6f2e-7d7e-4a4f-9b1d-3c2b1a0f9e8d --region us-east-1 --timeout 2h`,
    )
    .action(async (id: string, options: WaitOptions) => {
      process.exitCode = await wait(id, options);
    });
}

async function wait(id: string, { region: regionOption, timeout: timeoutMs }: WaitOptions): Promise<number> {
  const region = regionOption ?? (await configuredRegion());
  if (region === undefined || region === '') {
    printError('no AWS Region: use --region or set AWS_REGION');
    return WAIT_EXIT_CODES.wrong_usage;
  }
  const { stopped, stopping } = abortWhenStopped();

  const clock = systemClock;
  const random = Math.random;
  const gateway = createAws({ clock, random }).gatewayTo({ region });
  const makeLimiter = (perSecond: number) => createBottleneckLimiter({ perSecond, maxConcurrent: 1 });
  const budget = createBudget({
    target: region,
    makeLimiter,
    clock,
    random,
    ceiling: CALLS_PER_SECOND,
    notices: NO_NOTICES,
  });
  const progress = createProgress(process.stdout, id, clock);
  try {
    const end = await waitForEnd(
      id,
      { gateway, budget, clock, random },
      { ...progress, timeoutMs, signal: stopping },
    );
    progress.end(end);
    if (end.kind === 'broken') printError(end.message);
    return end.kind === 'stopped' ? signalExitCode(await stopped) : exitCodeOf(end);
  } finally {
    progress.close();
    await budget.close();
    gateway.close();
  }
}
