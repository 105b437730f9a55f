// Kills the daemon many times, at random and at the worst moments, while AWS, a receiver, the clock and the disk misbehave. Then
// compares its reports with the events that really happened. `--help` lists the options.
import { close } from './closing.ts';
import { judge } from './judge/judge.ts';
import { readOptions } from './options.ts';
import { setStage } from './stage.ts';
import { progressLine, summaryLines, verdictLines } from './summary.ts';
import { troubleAws, troubleClock, troubleReceiver } from './troubles.ts';

const PROGRESS_MS = 5000;
const report = (line: string) => process.stdout.write(`${line}\n`);

/** Reports whether every check passed. Rejects if the run is interrupted or cannot be completed. */
async function soak(): Promise<boolean> {
  const options = readOptions(process.argv.slice(2));
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => interrupted.abort(new Error(`interrupted by ${signal}`)));
  const startedTick = performance.now();
  const seconds = () => Math.round((performance.now() - startedTick) / 1000);

  await using stage = await setStage(options.seed);
  const { simulator, watcher, flapping, load, reader, torture, random } = stage;
  report(
    `seed ${options.seed}; ends after ${options.kills} kills or ${options.seconds} s; disk: ${stage.disk.description}`,
  );
  using progress = new DisposableStack();
  progress.adopt(
    setInterval(() => report(`${seconds()} s: ${progressLine(stage)}`), PROGRESS_MS),
    clearInterval,
  );

  /** Ends the run if a part of it fails. */
  const part = (work: Promise<void>) =>
    work.catch((error: unknown) => {
      interrupted.abort(error);
    });
  const ending = new AbortController();
  const reading = new AbortController();
  const feed = part(reader.run(AbortSignal.any([reading.signal, interrupted.signal])));
  const troublesOver = AbortSignal.any([ending.signal, interrupted.signal]);
  const loading = part(load.run(ending.signal, interrupted.signal));
  await part(torture.warmUp(interrupted.signal));
  const troubles = [
    part(troubleAws(simulator, random(), troublesOver)),
    part(troubleReceiver(flapping, random(), troublesOver)),
    part(troubleClock(watcher, random(), troublesOver)),
  ];
  const timeUp = AbortSignal.timeout(options.seconds * 1000);
  await part(torture.run(options.kills, AbortSignal.any([timeUp, interrupted.signal])));
  ending.abort();
  await Promise.all(troubles);
  interrupted.signal.throwIfAborted();

  report(`${seconds()} s: no more faults; waiting until everything has ended`);
  const closing = close(stage, loading);
  const evidence = await Promise.race([closing, rejectionOf(interrupted.signal)]);
  reading.abort();
  await feed;
  const judgements = judge(evidence);
  const hasPassed = judgements.every(({ faults }) => faults.length === 0);
  if (!hasPassed || options.keep) stage.keep();
  const lines = [
    `done in ${seconds()} s, seed ${options.seed}`,
    ...summaryLines(stage, evidence),
    ...verdictLines(judgements),
    hasPassed ? 'passed: nothing was lost or made up' : 'FAILED: see above',
    ...(hasPassed && !options.keep ? [] : [`the daemon's log is in ${stage.directory}`]),
  ];
  for (const line of lines) report(line);
  return hasPassed;
}

function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

try {
  process.exitCode = (await soak()) ? 0 : 1;
} catch (error) {
  process.stderr.write(`soak: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
}
