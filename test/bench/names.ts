// Measures how much 12 callbacks whose names no name server answers for delay a healthy receiver, and whether AWS then seems
// unreachable. Runs the daemon with a resolv.conf of its own, so it needs root on Linux. `--short` measures less.
import { spawnSync } from 'node:child_process';
import { request as httpRequest } from 'node:http';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { startHttpServer } from '../support/listen.ts';
import { WEBHOOK_SECRET } from '../support/secrets.ts';
import { median, percentile } from './delivery/stage.ts';
import { startNameServer } from './names/name-server.ts';

const { short } = parseArgs({ options: { short: { type: 'boolean', default: false } } }).values;
const ROUNDS = short ? 1 : 5;
const EVENTS = short ? 150 : 300;
const EVENT_EVERY_MS = 100;
const DEAD_NAMES = 12;
const NAME_SERVER = '127.0.53.53';
const FIRST_AFTER_MS = 3000;
/** Longer than the longest time between two looks at an execution. */
const SEEN_WITHIN_MS = 8000;
const LIMIT_MS = 30_000;
const BIND_RESOLV_CONF = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';

const access = spawnSync('unshare', ['--mount', 'true'], { encoding: 'utf8' });
if (access.status !== 0) {
  const reason = access.error?.message ?? access.stderr.trim();
  process.stderr.write(`bench:names needs root on Linux, with the right to mount: ${reason}\n`);
  process.exit(1);
}

const report = (line: string) => process.stdout.write(`${line}\n`);

/** Passes requests on and closes each connection, so that every call to AWS begins with a lookup. */
const closingRelay = (target: string) =>
  startHttpServer((request, response) => {
    const { method, url, headers } = request;
    const onward = httpRequest(target + (url ?? ''), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, connection: 'close' });
      answer.pipe(response);
    });
    request.pipe(onward);
  });

interface Run {
  readonly delaysMs: readonly number[];
  /** Events that were recorded and did not arrive. */
  readonly missed: number;
  readonly unreachable: number;
  readonly unanswered: number;
}

/** Lets executions be cancelled one after another, and measures the time from the record of each change to its arrival. */
async function measure(deadNames: number): Promise<Run> {
  await using directory = await temporaryDirectory();
  await using nameServer = await startNameServer(NAME_SERVER);
  await using simulator = await startSimulator({ ratePerSecond: 500, burst: 500 });
  await using aws = await closingRelay(simulator.url);
  await using receiver = await startFakeReceiver((response) =>
    response.writeHead(204, { connection: 'close' }).end(),
  );
  const resolvConf = join(directory.path, 'resolv.conf');
  await writeFile(resolvConf, `nameserver ${NAME_SERVER}\n`);
  const secrets = [{ env: 'RECEIVER_SECRET' }];
  const target = {
    name: 'bench',
    accountId: '123456789012',
    region: 'us-east-1',
    endpoint: `http://aws.test:${aws.port}`,
    requestsPerSecond: 100,
    maxConcurrent: 8,
  };
  await using daemon = await startDaemon(
    directory.path,
    {
      targets: [target],
      polling: { targetLagSeconds: 1, minIntervalSeconds: 1, maxIntervalSeconds: 5 },
      endpoints: [{ name: 'healthy', url: `http://healthy.test:${receiver.port}/hook`, secrets }],
      callbacks: [{ allow: 'http://*.dead.test/', secrets }],
      egress: { allowPrivateNetworks: true },
    },
    { RECEIVER_SECRET: WEBHOOK_SECRET },
    ['unshare', '--mount', 'sh', '-c', BIND_RESOLV_CONF, resolvConf],
  );
  const executions = Array.from({ length: EVENTS }, (_, index) => ({
    lifecycleExecutionId: simulator.start({
      timeline: [
        { status: 'IN_PROGRESS', afterMs: 0 },
        { status: 'CANCELLING', afterMs: FIRST_AFTER_MS + index * EVENT_EVERY_MS },
      ],
    }),
    ...(deadNames > 0 && { callbackUrl: `http://name-${index % deadNames}.dead.test/` }),
  }));
  await daemon.api('POST', '/v1/executions/batch', { executions });
  const eventsOf = async (type: string) =>
    (await daemon.api<{ events: readonly unknown[] }>('GET', `/v1/events?limit=1000&type=${type}`)).events
      .length;
  const arrived = () => new Map(receiver.received().map((request) => [request.id, request]));
  await pause(FIRST_AFTER_MS + EVENTS * EVENT_EVERY_MS + SEEN_WITHIN_MS);
  const recorded = await eventsOf('execution.*');
  const limit = Date.now() + LIMIT_MS;
  while (arrived().size < recorded && Date.now() < limit) await pause(200);
  return {
    delaysMs: [...arrived().values()].map(
      ({ at, body }) => at - Date.parse((JSON.parse(body) as { time: string }).time),
    ),
    missed: recorded - arrived().size,
    unreachable: await eventsOf('target.unreachable'),
    unanswered: nameServer.unanswered(),
  };
}

const rounds: { readonly alone: Run; readonly beside: Run }[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  // Each goes first equally often.
  const first = round % 2 === 0 ? await measure(0) : undefined;
  const beside = await measure(DEAD_NAMES);
  rounds.push({ alone: first ?? (await measure(0)), beside });
  report(JSON.stringify({ round, p99Ms: percentile(beside.delaysMs, 0.99), unanswered: beside.unanswered }));
}
const p99 = ({ delaysMs }: Run) => percentile(delaysMs, 0.99);
const result = {
  healthyP99Ratio: median(rounds.map(({ alone, beside }) => p99(beside) / p99(alone))),
  healthyP99AloneMs: median(rounds.map(({ alone }) => p99(alone))),
  healthyP99BesideDeadMs: median(rounds.map(({ beside }) => p99(beside))),
  missed: rounds.reduce((sum, { beside }) => sum + beside.missed, 0),
  falselyUnreachable: rounds.reduce((sum, { beside }) => sum + beside.unreachable, 0),
  questionsWithoutAnswer: rounds.reduce((sum, { beside }) => sum + beside.unanswered, 0),
  deadNames: DEAD_NAMES,
};
report(JSON.stringify(result));
process.exitCode = result.missed === 0 && result.falselyUnreachable === 0 ? 0 : 1;
