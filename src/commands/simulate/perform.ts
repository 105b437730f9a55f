import { defined } from '../../runtime/defined.ts';
import { placeOf, policyArnOf } from '../../simulator/simulator.ts';
import type { Simulator } from '../../simulator/simulator.ts';
import type { ActionName, ActionOf } from './actions.ts';
import { toChoices, toFault, toMs, toOptionalMs, toTimeline } from './convert.ts';

/** The result of an action, as it is logged and returned by the control port. */
export type ActionResult = Readonly<Record<string, unknown>>;

const DEFAULT_MEAN_SECONDS = 60;

/** Performs each action on a simulator. Throws a RangeError if an id or a name is already taken or does not exist. */
export const perform: {
  readonly [Name in ActionName]: (simulator: Simulator, input: ActionOf<Name>) => ActionResult;
} = {
  start(simulator, { policy, timeline, kind, meanSeconds = DEFAULT_MEAN_SECONDS, count, ...input }) {
    const policyArn = policy === undefined ? undefined : policyArnOf(policy, placeOf(input));
    if (timeline === undefined) {
      const { accountId, region } = placeOf(input);
      const random = { accountId, region, meanDurationMs: toMs(meanSeconds) };
      return { ids: simulator.startRandom({ ...random, ...defined({ policyArn, kind, count }) }) };
    }
    const { hiddenForSeconds, vanishesAfterSeconds, ...rest } = input;
    const id = simulator.start({
      ...rest,
      timeline: toTimeline(timeline),
      ...defined({
        policyArn,
        hiddenForMs: toOptionalMs(hiddenForSeconds),
        vanishesAfterMs: toOptionalMs(vanishesAfterSeconds),
      }),
    });
    return { ids: [id] };
  },
  update(simulator, { image: imageArn, afterSeconds = 0, meanSeconds, ...input }) {
    const id = simulator.startUpdate({
      ...input,
      imageArn,
      afterMs: toMs(afterSeconds),
      ...defined({ meanDurationMs: toOptionalMs(meanSeconds) }),
    });
    return { ids: [id] };
  },
  cancel: (simulator, { id, ...place }) => ({ id, isCancelled: simulator.cancel(id, place) }),
  policy(simulator, { runs, ...input }) {
    if (runs === undefined) return { arn: simulator.addPolicy(input) };
    const { everySeconds, meanSeconds, ...rest } = runs;
    const schedule = { ...rest, everyMs: toMs(everySeconds), meanDurationMs: toMs(meanSeconds) };
    return { arn: simulator.addPolicy({ ...input, runs: schedule }) };
  },
  fault: (simulator, input) => ({ id: simulator.addFault(toFault(input)), name: input.name }),
  clearFaults(simulator) {
    simulator.clearFaults();
    return {};
  },
  rate(simulator, { requestsPerSecond, burst = Math.max(1, requestsPerSecond), accountId, region }) {
    const place = accountId === undefined || region === undefined ? undefined : { accountId, region };
    simulator.setRate(requestsPerSecond, burst, place);
    return { requestsPerSecond, burst, ...place };
  },
  choose(simulator, input) {
    simulator.choose(toChoices(input));
    return input;
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
