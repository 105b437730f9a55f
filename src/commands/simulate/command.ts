import { Command, InvalidArgumentError } from 'commander';
import { formatFaults } from '../../config/faults.ts';
import { isLoopback } from '../../config/network.ts';
import { createLog, errorFields } from '../../runtime/log.ts';
import type { Log } from '../../runtime/log.ts';
import { DEFAULT_ACCOUNT_ID, DEFAULT_REGION, startSimulator } from '../../simulator/simulator.ts';
import type { Simulator, SimulatorOptions } from '../../simulator/simulator.ts';
import { decimal, region, wholeNumber } from '../terminal/arguments.ts';
import { startControl } from './control.ts';
import { toChoices, toMs } from './convert.ts';
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

/** A stand-in for Image Builder and STS. Exit code 0 after a stop by signal, 1 where it cannot listen, 2 for a faulty scenario. */
export function simulateCommand(): Command {
  return new Command('simulate')
    .description('a stand-in for EC2 Image Builder and STS, with executions that run their course')
    .option('--port <port>', 'port to listen on; 0: any free one', wholeNumber(0, 65_535), DEFAULT_PORT)
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--scenario <file>', 'YAML file of what happens, and when; see config/scenarios')
    .option('--control-port <port>', 'control port: JSON over HTTP; 0: any free one', wholeNumber(0, 65_535))
    .option('--control-host <host>', 'loopback address of the control port', loopback, '127.0.0.1')
    .option(
      '--region <region>',
      `of the random executions, in account ${DEFAULT_ACCOUNT_ID}`,
      region,
      DEFAULT_REGION,
    )
    .option(
      '--rate <rate>',
      `requests per second for each account and Region (default: the scenario's, else ${DEFAULT_RATE})`,
      decimal(0, FASTEST_RATE),
    )
    .option(
      '--executions <count>',
      `random ones, started at once, each kind in turn (default: ${DEFAULT_EXECUTIONS}, with a scenario none)`,
      wholeNumber(0, MOST_EXECUTIONS),
    )
    .option('--mean-seconds <seconds>', 'their mean length', decimal(0.01, LONGEST_MEAN_SECONDS), 60)
    .option('--seed <number>', 'the same number gives the same executions', wholeNumber(0, 2 ** 32 - 1))
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
  // Asked for before anything is announced: who reads the announcement may send a signal.
  const stopped = untilStopped();
  const log = createLog('info');
  await using running = new AsyncDisposableStack();
  const simulator = await listening(running, options, loaded?.scenario, log);
  if (simulator === undefined) return 1;
  running.use(populate(simulator, options, loaded?.scenario, log));
  await stopped;
  return 0;
}

/** The simulator, and its control port where one is asked for; undefined, and told, where it cannot listen. */
async function listening(
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
    const told = `cannot listen on ${trying.host} port ${trying.port}: ${errorFields(error).error}`;
    process.stderr.write(`lifecycle-watcher: ${told}\n`);
    return undefined;
  }
}

/** The command line wins over the scenario. */
function simulatorOptions(
  { host, port, ...options }: SimulateOptions,
  scenario?: Scenario,
): SimulatorOptions {
  const asked = scenario?.rate;
  const rate = options.rate ?? asked?.requestsPerSecond ?? DEFAULT_RATE;
  const burst = options.rate === undefined ? asked?.burst : undefined;
  const seed = options.seed ?? scenario?.seed;
  const { accounts, roles, sessionSeconds, latencySeconds, choose } = scenario ?? {};
  return {
    host,
    port,
    ratePerSecond: rate,
    burst: burst ?? Math.max(1, rate),
    ...(choose && toChoices(choose)),
    ...(seed !== undefined && { seed }),
    ...(accounts && { accounts }),
    ...(roles && { roles: roles.map(toRole) }),
    ...(sessionSeconds !== undefined && { sessionMs: toMs(sessionSeconds) }),
    ...(latencySeconds !== undefined && { latencyMs: toMs(latencySeconds) }),
  };
}

function toRole({ sessionSeconds, ...role }: NonNullable<Scenario['roles']>[number]) {
  return { ...role, ...(sessionSeconds !== undefined && { sessionMs: toMs(sessionSeconds) }) };
}

/** Starts what is asked for on the command line, and plays the scenario. */
function populate(simulator: Simulator, options: SimulateOptions, scenario: Scenario | undefined, log: Log) {
  const { region, meanSeconds, executions = scenario === undefined ? DEFAULT_EXECUTIONS : 0 } = options;
  const beganAt = Date.now();
  let told = 0;
  const tellStarted = () => {
    for (const record of simulator.records(told, MOST_EXECUTIONS)) {
      const { id: lifecycleExecutionId, kind, accountId, region: place, sequence, startedAt } = record;
      told = sequence;
      // The past runs of a policy are no news.
      if (startedAt < beganAt) continue;
      log.info({ part: 'simulator', lifecycleExecutionId, kind, accountId, region: place }, 'started');
    }
  };
  simulator.startRandom({ count: executions, meanDurationMs: toMs(meanSeconds), region });
  tellStarted();
  return play(simulator, scenario?.steps ?? [], (action, done) => {
    const message = 'problem' in done ? 'step refused' : 'step';
    log.info({ part: 'scenario', action, ...done }, message);
    tellStarted();
  });
}

function loopback(text: string): string {
  if (isLoopback(text)) return text;
  throw new InvalidArgumentError(
    'It must be a loopback address, like 127.0.0.1: whoever reaches it rules all.',
  );
}
