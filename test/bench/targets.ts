// Measures many targets in one process: the time until all are confirmed after a start, and the cost while each tracks
// executions. `--targets N` (default 500), `--seconds N` of measurement (default 60).
import { parseArgs } from 'node:util';
import { readFile } from 'node:fs/promises';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';

const { values } = parseArgs({
  options: { targets: { type: 'string', default: '500' }, seconds: { type: 'string', default: '60' } },
});
const TARGETS = Number(values.targets);
const SECONDS = Number(values.seconds);
const REGIONS = ['us-east-1', 'us-east-2', 'us-west-2', 'eu-west-1', 'eu-central-1'];
const EXECUTIONS_EACH = 2;
const LIMIT_MS = 120_000;
/** Linux counts CPU time in hundredths of a second. */
const TICKS_PER_SECOND = 100;

const report = (line: string) => process.stdout.write(`${line}\n`);
const round = (value: number, digits = 3) => Number(value.toFixed(digits));
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Reads the CPU seconds and resident megabytes of a process (proc_pid_stat(5) and proc_pid_status(5) of Linux). */
async function readUsage(pid: number) {
  const [stat, status] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8'),
    readFile(`/proc/${pid}/status`, 'utf8'),
  ]);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const residentKb = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    residentMb: residentKb / 1024,
  };
}

await using directory = await temporaryDirectory();
await using simulator = await startSimulator({ seed: 1 });
const targets = Array.from({ length: TARGETS }, (_, index) => {
  const accountId = String(100_000_000_000 + Math.floor(index / REGIONS.length));
  const region = REGIONS[index % REGIONS.length] ?? 'us-east-1';
  const roleArn = `arn:aws:iam::${accountId}:role/watcher`;
  return { name: `${accountId}-${region}`, accountId, region, roleArn, endpoint: simulator.url };
});
const startedAt = Date.now();
await using daemon = await startDaemon(directory.path, { targets });
const readySeconds = (Date.now() - startedAt) / 1000;

const heapMb = async () => {
  const text = await (await fetch(`${daemon.url}/metrics`)).text();
  return Number(/^nodejs_heap_size_used_bytes (\S+)$/m.exec(text)?.[1]) / 1024 / 1024;
};
const metric = async (pattern: RegExp) => {
  const text = await (await fetch(`${daemon.url}/metrics`)).text();
  return [...text.matchAll(pattern)].length;
};
while ((await metric(/^lifecycle_watcher_target_up\{[^}]*\} 1$/gm)) < TARGETS) {
  if (Date.now() - startedAt > LIMIT_MS) throw new Error('not all targets were confirmed');
  await sleep(250);
}
const confirmedSeconds = (Date.now() - startedAt) / 1000;
const atStart = await readUsage(daemon.pid ?? NaN);
report(
  `${TARGETS} targets: ready after ${round(readySeconds)} s, all confirmed after ${round(confirmedSeconds)} s`,
);

await sleep(SECONDS * 500);
const idle = await readUsage(daemon.pid ?? NaN);
const idleCpu = (idle.cpuSeconds - atStart.cpuSeconds) / (SECONDS / 2);
report(`with nothing to track: ${round(100 * idleCpu, 1)} % of a core, ${round(idle.residentMb, 0)} MB`);

const executions = targets.flatMap(({ name, accountId, region }) =>
  Array.from({ length: EXECUTIONS_EACH }, () => ({
    target: name,
    lifecycleExecutionId: simulator.start({
      accountId,
      region,
      timeline: [{ status: 'IN_PROGRESS', afterMs: 0 }],
    }),
  })),
);
for (let at = 0; at < executions.length; at += 1000)
  await daemon.api('POST', '/v1/executions/batch', { executions: executions.slice(at, at + 1000) });
await sleep(5000);
const calls = () => simulator.calls().length;
const [before, callsBefore] = [await readUsage(daemon.pid ?? NaN), calls()];
await sleep(SECONDS * 1000);
const [after, callsAfter] = [await readUsage(daemon.pid ?? NaN), calls()];
const cpu = (after.cpuSeconds - before.cpuSeconds) / SECONDS;
const callsPerSecond = (callsAfter - callsBefore) / SECONDS;
const heap = await heapMb();
const { code } = await daemon.kill('SIGTERM');
report(
  JSON.stringify({
    targets: TARGETS,
    roles: TARGETS / REGIONS.length,
    sessions: simulator.sessions().length,
    readySeconds: round(readySeconds),
    confirmedSeconds: round(confirmedSeconds),
    idleCpuShare: round(idleCpu, 4),
    executions: executions.length,
    callsPerSecond: round(callsPerSecond, 1),
    cpuShare: round(cpu, 4),
    cpuMsPerCall: round((1000 * cpu) / callsPerSecond, 2),
    residentMb: round(after.residentMb, 0),
    heapUsedMb: round(heap, 0),
    exitCode: code,
  }),
);
