import { repeatsOf } from './judge/deliveries.ts';
import type { Evidence, Judgement } from './judge/evidence.ts';
import type { Stage } from './stage.ts';

const FAULTS_SHOWN = 10;

/** Returns one line with the progress so far. */
export function progressLine({ torture, load, reader, steady, flapping, simulator }: Stage): string {
  return [
    `${torture.killed()} kills`,
    `${load.acknowledged.size} executions`,
    `${reader.events.length} events`,
    `${steady.requests.length} + ${flapping.requests.length} deliveries`,
    `${simulator.counts().fault} faults`,
  ].join(' · ');
}

/** Returns the figures of the run, one per line. */
export function summaryLines(stage: Stage, { receivers }: Evidence): readonly string[] {
  const { torture, load, reader, simulator, clock, watcher, flapping, disk } = stage;
  const kills = [...torture.kills].map(([kill, count]) => `${kill} ${count}`).join(', ');
  const { full, fullNoticed, readOnly, readOnlyNoticed, refusedStarts } = torture.disk;
  const ready = watcher.lives.flatMap(({ readyMs }) => readyMs ?? []).toSorted((a, b) => a - b);
  const counts = simulator.counts();
  const repeats = receivers.map(({ name, requests }) => `${name} ${repeatsOf(requests).length}`);
  return Object.entries({
    kills: `${torture.killed()} (${kills})`,
    stops: `${torture.stops}`,
    starts: `${watcher.lives.length}, ready after ${share(ready, 0.5)} ms (median), ${share(ready, 1)} ms (longest)`,
    disk: disk.description,
    'full disk': `${full} times, ${fullNoticed} noticed`,
    'read-only': `${readOnly} times, ${readOnlyNoticed} noticed`,
    'starts refused': `${refusedStarts}, while the disk was full or read-only`,
    'clock steps': `${clock.steps}`,
    'faults of AWS': `${counts.fault} of ${Object.values(counts).reduce((sum, count) => sum + count, 0)} calls`,
    registrations: `${load.sentRegistrations} sent, ${load.refusedRegistrations} refused, ${load.unansweredRegistrations} without an answer, ${load.acknowledged.size} executions acknowledged`,
    events: `${reader.events.length}`,
    deliveries: receivers.map(({ name, requests }) => `${name} ${requests.length}`).join(', '),
    refused: `${flapping.refused()} by the flapping receiver`,
    repeats: `${repeats.join(', ')} of accepted events`,
  }).map(([name, figure]) => `  ${name.padEnd(16)}${figure}`);
}

function share(sorted: readonly number[], part: number): number {
  return Math.round(sorted[Math.floor((sorted.length - 1) * part)] ?? 0);
}

/** Returns each sentence, with the first cases in which it is not true. */
export function verdictLines(judgements: readonly Judgement[]): readonly string[] {
  return judgements.flatMap(({ sentence, faults }) => [
    `  ${faults.length === 0 ? 'yes' : 'NO '}  ${sentence}${faults.length === 0 ? '' : `: ${faults.length} faults`}`,
    ...faults.slice(0, FAULTS_SHOWN).map((fault) => `         ${fault}`),
  ]);
}
