import { brokenSequences, lostRegistrations, unreportedEnds, untrueChanges } from './changes.ts';
import { badSignatures, brokenFeed, changedBodies, needlessRepeats, undelivered } from './deliveries.ts';
import type { Evidence, Judgement } from './evidence.ts';

/** Lives that ended by themselves, or did not end well when they were asked to. */
function unaskedEnds({ lives }: Evidence): readonly string[] {
  return lives.flatMap(({ number, end, code, stderr }) => {
    const words = `${String(code)}: ${stderr ?? ''}`;
    if (end === 'by itself') return [`life ${number} ended by itself with code ${words}`];
    return end === 'stopped' && code !== 0 ? [`life ${number} was stopped and ended with code ${words}`] : [];
  });
}

/** Every sentence that must hold. */
export function judge(evidence: Evidence): readonly Judgement[] {
  return [
    { sentence: 'no acknowledged registration is lost', faults: lostRegistrations(evidence) },
    { sentence: 'every end is reported', faults: unreportedEnds(evidence) },
    { sentence: 'every reported change is true', faults: untrueChanges(evidence) },
    { sentence: 'executionsequence has no gaps', faults: brokenSequences(evidence) },
    { sentence: 'the feed neither skips nor repeats', faults: brokenFeed(evidence) },
    { sentence: 'receivers got what the feed has, byte for byte', faults: undelivered(evidence) },
    { sentence: 'repeats have the same body', faults: changedBodies(evidence) },
    { sentence: 'repeats are of what was in flight at an end', faults: needlessRepeats(evidence) },
    { sentence: 'every request is signed', faults: badSignatures(evidence) },
    { sentence: 'it ends only when it is told to', faults: unaskedEnds(evidence) },
    { sentence: 'it gets ready after each start and each trouble', faults: evidence.problems },
  ];
}
