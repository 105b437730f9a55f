import { placeOf, policyArnOf } from '../../simulator/simulator.ts';
import type { Simulator } from '../../simulator/simulator.ts';
import type { ActionName, ActionOf } from './actions.ts';
import { toChoices, toFault, toMs, toTimeline } from './convert.ts';

/** What came of an action, to be told. */
export type Done = Readonly<Record<string, unknown>>;

const USUAL_MEAN_SECONDS = 60;

/** Each action, done to a simulator. RangeError where the simulator refuses it: an id or a name is taken, or not there. */
export const perform: {
  readonly [Name in ActionName]: (simulator: Simulator, given: ActionOf<Name>) => Done;
} = {
  start(simulator, { policy, timeline, kind, meanSeconds = USUAL_MEAN_SECONDS, count, ...given }) {
    const own = policy === undefined ? {} : { policyArn: policyArnOf(policy, placeOf(given)) };
    if (timeline === undefined) {
      const { accountId, region } = placeOf(given);
      const how = { accountId, region, ...own, meanDurationMs: toMs(meanSeconds) };
      return { ids: simulator.startRandom({ ...how, ...(kind && { kind }), ...(count && { count }) }) };
    }
    const { hiddenForSeconds, vanishesAfterSeconds, ...rest } = given;
    const id = simulator.start({
      ...rest,
      ...own,
      timeline: toTimeline(timeline),
      ...(hiddenForSeconds !== undefined && { hiddenForMs: toMs(hiddenForSeconds) }),
      ...(vanishesAfterSeconds !== undefined && { vanishesAfterMs: toMs(vanishesAfterSeconds) }),
    });
    return { ids: [id] };
  },
  update(simulator, { image: imageArn, afterSeconds = 0, meanSeconds, ...given }) {
    const id = simulator.startUpdate({
      ...given,
      imageArn,
      afterMs: toMs(afterSeconds),
      ...(meanSeconds !== undefined && { meanDurationMs: toMs(meanSeconds) }),
    });
    return { ids: [id] };
  },
  cancel: (simulator, { id, ...place }) => ({ id, isCancelled: simulator.cancel(id, place) }),
  policy(simulator, { runs, ...given }) {
    if (runs === undefined) return { arn: simulator.addPolicy(given) };
    const { everySeconds, meanSeconds, ...rest } = runs;
    const own = { ...rest, everyMs: toMs(everySeconds), meanDurationMs: toMs(meanSeconds) };
    return { arn: simulator.addPolicy({ ...given, runs: own }) };
  },
  fault: (simulator, given) => ({ id: simulator.addFault(toFault(given)), name: given.name }),
  clearFaults(simulator) {
    simulator.clearFaults();
    return {};
  },
  rate(simulator, { requestsPerSecond, burst = Math.max(1, requestsPerSecond), accountId, region }) {
    const place = accountId === undefined || region === undefined ? undefined : { accountId, region };
    simulator.setRate(requestsPerSecond, burst, place);
    return { requestsPerSecond, burst, ...place };
  },
  choose(simulator, given) {
    simulator.choose(toChoices(given));
    return given;
  },
  freeze(simulator) {
    simulator.freeze();
    return {};
  },
  thaw(simulator) {
    simulator.thaw();
    return {};
  },
  expireSessions(simulator) {
    simulator.expireSessions();
    return {};
  },
};
