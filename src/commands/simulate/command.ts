import { Command, InvalidArgumentError } from 'commander';
import { formatFaults } from '../../config/faults.ts';
import { isLoopback } from '../../runtime/host.ts';
import { defined } from '../../runtime/defined.ts';
import { createLog, errorFields } from '../../runtime/log.ts';
import type { Log } from '../../runtime/log.ts';
import { DEFAULT_ACCOUNT_ID, DEFAULT_REGION, startSimulator } from '../../simulator/simulator.ts';
import type { Simulator, SimulatorOptions } from '../../simulator/simulator.ts';
import { decimal, parseRegion, wholeNumber } from '../terminal/arguments.ts';
import { printError } from '../terminal/print-error.ts';
import { startControl } from './control.ts';
import { toChoices, toMs, toOptionalMs } from './convert.ts';
import { helpText } from './help.ts';
import { loadScenario } from './load.ts';
import { play } from './play.ts';
import type { Scenario } from './scenario.ts';
import { untilStopped } from '../terminal/until-stopped.ts';

interface SimulateOptions {
  readonly port: number;
  readonly host: string;
  readonly controlPort?: number;
  readonly controlHost: string;
  readonly scenario?: string;
  readonly region: string;
  readonly rate?: number;
  readonly executions?: number;
  readonly meanSeconds: number;
  readonly seed?: number;
}

const DEFAULT_PORT = 4566;
const DEFAULT_RATE = 20;
const DEFAULT_EXECUTIONS = 40;
const MOST_EXECUTIONS = 100_000;
const FASTEST_RATE = 1e6;
const LONGEST_MEAN_SECONDS = 30 * 86_400;

/** A simulator of Image Builder and STS. Exits with 0 after a signal, 1 if it cannot listen, 2 if the scenario is faulty. */
export function simulateCommand(): Command {
  return new Command('simulate')
    .description('Run a simulator of EC2 Image Builder and STS, with executions that start, progress and end')
    .option('--port <port>', 'port to listen on; 0 picks a free one', wholeNumber(0, 65_535), DEFAULT_PORT)
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--scenario <file>', 'YAML file of timed steps to play; see config/scenarios')
    .option(
      '--control-port <port>',
      'port of the control API, JSON over HTTP; 0 picks a free one',
      wholeNumber(0, 65_535),
    )
    .option('--control-host <host>', 'loopback address of the control port', parseLoopback, '127.0.0.1')
    .option(
      '--region <region>',
      `Region of the random executions, in account ${DEFAULT_ACCOUNT_ID}`,
      parseRegion,
      DEFAULT_REGION,
    )
    .option(
      '--rate <rate>',
      `requests per second allowed for each account and Region (default: from the scenario, else ${DEFAULT_RATE})`,
      decimal(0, FASTEST_RATE),
    )
    .option(
      '--executions <count>',
      `number of random executions to start at once, of all kinds in turn (default: ${DEFAULT_EXECUTIONS}, or 0 with a scenario)`,
      wholeNumber(0, MOST_EXECUTIONS),
    )
    .option(
      '--mean-seconds <seconds>',
      'mean duration of the random executions',
      decimal(0.01, LONGEST_MEAN_SECONDS),
      60,
    )
    .option(
      '--seed <number>',
      'seed of the random executions; the same seed gives the same executions',
      wholeNumber(0, 2 ** 32 - 1),
    )
    .addHelpText('after', helpText())
    .action(async (options: SimulateOptions) => {
      process.exitCode = await simulate(options);
    });
}

async function simulate(options: SimulateOptions): Promise<0 | 1 | 2> {
  const loaded = options.scenario === undefined ? undefined : await loadScenario(options.scenario);
  if (loaded?.ok === false) {
    process.stderr.write(formatFaults(loaded));
    return 2;
  }
  // Signals are handled before the port is announced: a script that reads the announcement may send one at once.
  const stopped = untilStopped();
  const log = createLog('info');
  await using running = new AsyncDisposableStack();
  const simulator = await startListening(running, options, loaded?.scenario, log);
  if (simulator === undefined) return 1;
  running.use(populate(simulator, options, loaded?.scenario, log));
  await stopped;
  return 0;
}

/** Starts the simulator and, if requested, its control port. Prints an error and returns undefined if one cannot listen. */
async function startListening(
  running: AsyncDisposableStack,
  options: SimulateOptions,
  scenario: Scenario | undefined,
  log: Log,
): Promise<Simulator | undefined> {
  const { host, port, controlHost, controlPort } = options;
  let trying = { host, port };
  try {
    const simulator = running.use(await startSimulator(simulatorOptions(options, scenario)));
    const announced = [{ part: 'simulator', host, port: simulator.port }];
    if (controlPort !== undefined) {
      trying = { host: controlHost, port: controlPort };
      const control = running.use(await startControl(simulator, trying, log));
      announced.push({ part: 'control', host: controlHost, port: control.port });
    }
    for (const address of announced) log.info(address, 'listening');
    return simulator;
  } catch (error) {
    printError(`cannot listen on ${trying.host} port ${trying.port}: ${errorFields(error).error}`);
    return undefined;
  }
}

/** Options on the command line override those of the scenario. */
function simulatorOptions(
  { host, port, ...options }: SimulateOptions,
  scenario?: Scenario,
): SimulatorOptions {
  const budget = scenario?.rate;
  const rate = options.rate ?? budget?.requestsPerSecond ?? DEFAULT_RATE;
  const burst = options.rate === undefined ? budget?.burst : undefined;
  const seed = options.seed ?? scenario?.seed;
  const { accounts, roles, sessionSeconds, latencySeconds, choose } = scenario ?? {};
  return {
    host,
    port,
    ratePerSecond: rate,
    burst: burst ?? Math.max(1, rate),
    ...toChoices(choose ?? {}),
    ...defined({
      seed,
      accounts,
      roles: roles?.map(toRole),
      sessionMs: toOptionalMs(sessionSeconds),
      latencyMs: toOptionalMs(latencySeconds),
    }),
  };
}

function toRole({ sessionSeconds, ...role }: NonNullable<Scenario['roles']>[number]) {
  return { ...role, ...defined({ sessionMs: toOptionalMs(sessionSeconds) }) };
}

/** Starts the executions requested on the command line, plays the scenario, and logs every execution that starts. */
function populate(simulator: Simulator, options: SimulateOptions, scenario: Scenario | undefined, log: Log) {
  const { region, meanSeconds, executions = scenario === undefined ? DEFAULT_EXECUTIONS : 0 } = options;
  const beganAt = Date.now();
  let lastLogged = 0;
  const logStarted = () => {
    for (const record of simulator.records(lastLogged, MOST_EXECUTIONS)) {
      const { id: lifecycleExecutionId, kind, accountId, region: place, sequence, startedAt } = record;
      lastLogged = sequence;
      // Runs that a policy had in the past are not logged.
      if (startedAt < beganAt) continue;
      log.info({ part: 'simulator', lifecycleExecutionId, kind, accountId, region: place }, 'started');
    }
  };
  simulator.startRandom({ count: executions, meanDurationMs: toMs(meanSeconds), region });
  logStarted();
  return play(simulator, scenario?.steps ?? [], (action, result) => {
    const message = 'problem' in result ? 'step refused' : 'step';
    log.info({ part: 'scenario', action, ...result }, message);
    logStarted();
  });
}

function parseLoopback(text: string): string {
  if (isLoopback(text)) return text;
  throw new InvalidArgumentError(
    'It must be a loopback address, such as 127.0.0.1: anyone who reaches the control port controls the simulator.',
  );
}
