// Registers 1,000 executions in one batch while AWS allows 20 requests a second and the configuration 50. Reports whether all
// ends are reported, and the share of throttled calls. `--short`: 100 executions, 10 requests a second.
import { parseArgs } from 'node:util';
import { startReceiver } from '../../src/receiver/receiver.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import { WEBHOOK_SECRET } from '../support/secrets.ts';

const { short } = parseArgs({ options: { short: { type: 'boolean', default: false } } }).values;
const EXECUTIONS = short ? 100 : 1000;
const HIDDEN_PER_SECOND = short ? 10 : 20;
const CEILING = 50;
const MEAN_DURATION_MS = short ? 15_000 : 120_000;
const WARM_UP_MS = short ? 15_000 : 60_000;
const LIMIT_MS = short ? 120_000 : 1_200_000;
const FINAL = ['execution.succeeded', 'execution.failed', 'execution.cancelled'];

const report = (line: string) => process.stdout.write(`${line}\n`);

interface Ended {
  readonly type: string;
  readonly subject: string;
  readonly data: { readonly transition: { readonly detectionLagSeconds?: number } };
}

await using directory = await temporaryDirectory();
await using simulator = await startSimulator({
  ratePerSecond: HIDDEN_PER_SECOND,
  burst: HIDDEN_PER_SECOND,
  seed: 1,
});
const lags = new Map<string, number>();
await using receiver = await startReceiver({
  secret: WEBHOOK_SECRET,
  onEvent({ body }) {
    const { type, subject, data } = JSON.parse(body) as Ended;
    if (FINAL.includes(type.replace('lifecycle-watcher.', '')))
      lags.set(subject, data.transition.detectionLagSeconds ?? 0);
  },
});
await using daemon = await startDaemon(
  directory.path,
  {
    targets: [
      {
        name: 'bench',
        accountId: '123456789012',
        region: 'us-east-1',
        endpoint: simulator.url,
        requestsPerSecond: CEILING,
        maxConcurrent: 8,
      },
    ],
    endpoints: [{ name: 'receiver', url: receiver.url, secrets: [{ env: 'RECEIVER_SECRET' }] }],
    egress: { allowPrivateNetworks: true },
  },
  { RECEIVER_SECRET: WEBHOOK_SECRET },
);

const ids = simulator.startRandom({ count: EXECUTIONS, meanDurationMs: MEAN_DURATION_MS });
const startedAt = Date.now();
await daemon.api('POST', '/v1/executions/batch', {
  executions: ids.map((lifecycleExecutionId) => ({ lifecycleExecutionId })),
});
const registeredMs = Date.now() - startedAt;

const round = (value: number, digits = 4) => Number(value.toFixed(digits));
function shareOfThrottled(fromMs: number, toMs: number) {
  const calls = simulator.calls().filter(({ operation, at }) => {
    const sinceMs = at - startedAt;
    return operation === 'GetLifecycleExecution' && sinceMs >= fromMs && sinceMs < toMs;
  });
  const throttled = calls.filter(({ outcome }) => outcome === 'throttled').length;
  return { calls: calls.length, throttledShare: round(throttled / Math.max(1, calls.length)) };
}

for (let nextReportMs = 30_000; lags.size < EXECUTIONS && Date.now() - startedAt < LIMIT_MS;) {
  await new Promise((resolve) => setTimeout(resolve, 200));
  const sinceMs = Date.now() - startedAt;
  if (sinceMs < nextReportMs) continue;
  const { calls, throttledShare } = shareOfThrottled(nextReportMs - 30_000, nextReportMs);
  report(
    `${nextReportMs / 1000} s: ${lags.size} ends reported; the last 30 s: ${calls} calls, throttled ${throttledShare}`,
  );
  nextReportMs += 30_000;
}

const endedMs = Date.now() - startedAt;
const sorted = [...lags.values()].toSorted((a, b) => a - b);
const after = shareOfThrottled(WARM_UP_MS, endedMs);
report(
  JSON.stringify({
    executions: EXECUTIONS,
    endsReported: lags.size,
    seconds: round(endedMs / 1000, 1),
    registrationSeconds: round(registeredMs / 1000, 3),
    warmUpSeconds: WARM_UP_MS / 1000,
    throttledShareInWarmUp: shareOfThrottled(0, WARM_UP_MS).throttledShare,
    throttledShareAfter: after.throttledShare,
    callsPerSecondAfter: round((after.calls * 1000) / Math.max(1, endedMs - WARM_UP_MS), 1),
    lagMedianSeconds: round(sorted[Math.floor(sorted.length / 2)] ?? 0, 1),
    lagP95Seconds: round(sorted[Math.floor(sorted.length * 0.95)] ?? 0, 1),
  }),
);
process.exitCode = lags.size === EXECUTIONS ? 0 : 1;
