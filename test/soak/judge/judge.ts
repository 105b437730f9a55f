import { brokenSequences, lostRegistrations, unreportedEnds, untrueChanges } from './changes.ts';
import { badSignatures, brokenFeed, changedBodies, needlessRepeats, undelivered } from './deliveries.ts';
import type { Evidence, Judgement } from './evidence.ts';

/** Lists lives that ended by themselves, or with another code than 0 when they were stopped. */
function unexpectedEnds({ lives }: Evidence): readonly string[] {
  return lives.flatMap(({ number, end, code, stderr }) => {
    const words = `${String(code)}: ${stderr ?? ''}`;
    if (end === 'by itself') return [`life ${number} ended by itself with code ${words}`];
    return end === 'stopped' && code !== 0 ? [`life ${number} was stopped and ended with code ${words}`] : [];
  });
}

/** Checks every sentence that must be true. */
export function judge(evidence: Evidence): readonly Judgement[] {
  return [
    { sentence: 'no acknowledged registration is lost', faults: lostRegistrations(evidence) },
    { sentence: 'every end is reported', faults: unreportedEnds(evidence) },
    { sentence: 'every reported change is true', faults: untrueChanges(evidence) },
    { sentence: 'executionsequence has no gaps', faults: brokenSequences(evidence) },
    { sentence: 'the feed neither skips nor repeats', faults: brokenFeed(evidence) },
    { sentence: 'receivers got every event of the feed, byte for byte', faults: undelivered(evidence) },
    { sentence: 'repeats have the same body', faults: changedBodies(evidence) },
    { sentence: 'only deliveries in flight at an end are repeated', faults: needlessRepeats(evidence) },
    { sentence: 'every request is signed', faults: badSignatures(evidence) },
    { sentence: 'the daemon ends only when it is stopped', faults: unexpectedEnds(evidence) },
    { sentence: 'the daemon becomes ready after each start and each fault', faults: evidence.problems },
  ];
}
