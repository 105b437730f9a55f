import { Command } from 'commander';
import { createLog, errorFields } from '../runtime/log.ts';
import { DEFAULT_ACCOUNT_ID, DEFAULT_REGION, startSimulator } from '../simulator/simulator.ts';
import type { Simulator } from '../simulator/simulator.ts';
import { decimal, region, wholeNumber } from './arguments.ts';
import { untilStopped } from './until-stopped.ts';

interface SimulateOptions {
  readonly port: number;
  readonly host: string;
  readonly region: string;
  readonly rate: number;
  readonly executions: number;
  readonly meanSeconds: number;
  readonly seed?: number;
}

const DEFAULT_PORT = 4566;
const MOST_EXECUTIONS = 100_000;
const FASTEST_RATE = 1e6;
const LONGEST_MEAN_SECONDS = 30 * 86_400;

/** A stand-in for Image Builder and STS. Exit code 0 after a stop by signal, 1 where it cannot listen. */
export function simulateCommand(): Command {
  return new Command('simulate')
    .description('a stand-in for EC2 Image Builder and STS, with executions that run their course')
    .option('--port <port>', 'port to listen on; 0: any free one', wholeNumber(0, 65_535), DEFAULT_PORT)
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option(
      '--region <region>',
      `of the executions, in account ${DEFAULT_ACCOUNT_ID}`,
      region,
      DEFAULT_REGION,
    )
    .option('--rate <rate>', 'requests per second for each account and Region', decimal(0, FASTEST_RATE), 20)
    .option('--executions <count>', 'started at once, each kind in turn', wholeNumber(0, MOST_EXECUTIONS), 40)
    .option('--mean-seconds <seconds>', 'their mean length', decimal(0.01, LONGEST_MEAN_SECONDS), 60)
    .option('--seed <number>', 'the same number gives the same executions', wholeNumber(0, 2 ** 32 - 1))
    .addHelpText('after', '\nExample:\n  lifecycle-watcher simulate --port 4566 --executions 10 --seed 1')
    .action(async (options: SimulateOptions) => {
      process.exitCode = await simulate(options);
    });
}

async function simulate(options: SimulateOptions): Promise<0 | 1> {
  const { host, port, rate, seed, region, executions: count, meanSeconds } = options;
  // Asked for before anything is announced: who reads the announcement may send a signal.
  const stopped = untilStopped();
  let simulator: Simulator;
  try {
    simulator = await startSimulator({
      host,
      port,
      ratePerSecond: rate,
      burst: Math.max(1, rate),
      ...(seed === undefined ? {} : { seed }),
    });
  } catch (error) {
    process.stderr.write(
      `lifecycle-watcher: cannot listen on ${host} port ${port}: ${errorFields(error).error}\n`,
    );
    return 1;
  }
  await using _closing = simulator;
  const log = createLog('info');
  log.info({ part: 'simulator', host, port: simulator.port }, 'listening');
  simulator.startRandom({ count, meanDurationMs: meanSeconds * 1000, region });
  for (const { id, kind, accountId } of simulator.executions()) {
    log.info({ part: 'simulator', lifecycleExecutionId: id, kind, accountId, region }, 'started');
  }
  await stopped;
  return 0;
}
