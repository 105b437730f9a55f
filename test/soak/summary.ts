import { repeatsOf } from './judge/deliveries.ts';
import type { Evidence, Judgement } from './judge/evidence.ts';
import type { Stage } from './stage.ts';

const FAULTS_SHOWN = 10;

/** One line of how far it is. */
export function progressLine({ torture, load, reader, steady, flapping, simulator }: Stage): string {
  return [
    `${torture.killed()} kills`,
    `${load.acknowledged.size} executions`,
    `${reader.events.length} events`,
    `${steady.requests.length} + ${flapping.requests.length} deliveries`,
    `${simulator.counts().fault} faults`,
  ].join(' · ');
}

/** What was done, a line each. */
export function summaryLines(stage: Stage, { receivers }: Evidence): readonly string[] {
  const { torture, load, reader, simulator, clock, watcher, flapping, disk } = stage;
  const kills = [...torture.kills].map(([kill, count]) => `${kill} ${count}`).join(', ');
  const { full, fullFelt, readOnly, readOnlyFelt, refusedStarts } = torture.disk;
  const ready = watcher.lives.flatMap(({ readyMs }) => readyMs ?? []).toSorted((a, b) => a - b);
  const counts = simulator.counts();
  const repeats = receivers.map(({ name, requests }) => `${name} ${repeatsOf(requests).length}`);
  return Object.entries({
    kills: `${torture.killed()} (${kills})`,
    stops: `${torture.stops}`,
    starts: `${watcher.lives.length}, ready after ${share(ready, 0.5)} ms (median), ${share(ready, 1)} ms (longest)`,
    disk: disk.told,
    'full disk': `${full} times, ${fullFelt} noticed`,
    'read-only': `${readOnly} times, ${readOnlyFelt} noticed`,
    'starts refused': `${refusedStarts}, without a disk to write on`,
    'clock steps': `${clock.steps}`,
    'faults of AWS': `${counts.fault} of ${Object.values(counts).reduce((sum, count) => sum + count, 0)} calls`,
    registrations: `${load.sent} sent, ${load.refused} refused, ${load.unanswered} without an answer, ${load.acknowledged.size} executions acknowledged`,
    events: `${reader.events.length}`,
    deliveries: receivers.map(({ name, requests }) => `${name} ${requests.length}`).join(', '),
    refused: `${flapping.refused()} by a receiver that is at times not well`,
    repeats: `${repeats.join(', ')} of accepted events`,
  }).map(([what, told]) => `  ${what.padEnd(16)}${told}`);
}

function share(sorted: readonly number[], part: number): number {
  return Math.round(sorted[Math.floor((sorted.length - 1) * part)] ?? 0);
}

/** Each sentence, and where it does not hold. */
export function verdictLines(judgements: readonly Judgement[]): readonly string[] {
  return judgements.flatMap(({ sentence, faults }) => [
    `  ${faults.length === 0 ? 'yes' : 'NO '}  ${sentence}${faults.length === 0 ? '' : `: ${faults.length} times not`}`,
    ...faults.slice(0, FAULTS_SHOWN).map((fault) => `         ${fault}`),
  ]);
}
