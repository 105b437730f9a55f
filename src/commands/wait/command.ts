import { Command } from 'commander';
import { configuredRegion } from '../../imagebuilder/aws-clients.ts';
import { createCredentialSource } from '../../imagebuilder/aws-credentials.ts';
import { createAwsGateway } from '../../imagebuilder/aws-gateway.ts';
import { createBottleneckLimiter } from '../../limiter/bottleneck-limiter.ts';
import { NO_NOTICES } from '../../notices/notices.ts';
import { createBudget } from '../../polling/budget.ts';
import { waitForEnd } from './wait-for-end.ts';
import { systemClock } from '../../runtime/clock.ts';
import { executionId, region, timeoutOption } from '../terminal/arguments.ts';
import { complain } from '../terminal/complain.ts';
import { abortWhenStopped } from '../terminal/until-stopped.ts';
import { WAIT_EXIT_CODES, exitCodeOf, signalExitCode } from './exit-codes.ts';
import { createProgress } from './progress.ts';

interface WaitOptions {
  readonly region?: string;
  readonly timeout: number;
}

/** Nobody shares this process's budget, and one execution needs no more. */
const CALLS_PER_SECOND = 2;

/** One execution, without a daemon. The exit code tells how it ended. */
export function waitCommand(): Command {
  return new Command('wait')
    .description('waits for one execution to end, without a daemon: asks AWS itself')
    .argument('<id>', 'of the lifecycle execution', executionId)
    .option(
      '--region <region>',
      'its AWS Region (default: that of the SDK: AWS_REGION, or the profile)',
      region,
    )
    .addOption(timeoutOption())
    .addHelpText(
      'after',
      `
Credentials are found as the AWS SDK finds them; AWS_ENDPOINT_URL is obeyed. Exit codes: 0 SUCCESS, 3 FAILED, 4 CANCELLED,
5 timed out, 6 not found, 1 denied or broken, 2 wrong usage.

Example:
  lifecycle-watcher wait lce-5a1c6f2e-7d7e-4a4f-9b1d-3c2b1a0f9e8d --region us-east-1 --timeout 2h`,
    )
    .action(async (id: string, options: WaitOptions) => {
      process.exitCode = await wait(id, options);
    });
}

async function wait(id: string, { region: askedRegion, timeout: timeoutMs }: WaitOptions): Promise<number> {
  const found = askedRegion ?? (await configuredRegion());
  if (found === undefined || found === '') {
    complain('no AWS Region: give --region, or set AWS_REGION');
    return WAIT_EXIT_CODES.wrong_usage;
  }
  const { stopped, stopping } = abortWhenStopped();

  const clock = systemClock;
  const random = Math.random;
  const gateway = createAwsGateway(
    { region: found },
    { clock, credentialsOf: createCredentialSource({ now: () => clock.now(), random }) },
  );
  const makeLimiter = (perSecond: number) => createBottleneckLimiter({ perSecond, maxConcurrent: 1 });
  const budget = createBudget({
    target: found,
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
      {
        ...progress,
        timeoutMs,
        signal: stopping,
      },
    );
    progress.end(end);
    if (end.kind === 'broken') complain(end.message);
    return end.kind === 'stopped' ? signalExitCode(await stopped) : exitCodeOf(end);
  } finally {
    progress.close();
    await budget.close();
    gateway.close();
  }
}
