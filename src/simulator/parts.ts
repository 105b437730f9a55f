import { randomInt } from 'node:crypto';
import { createCallLog } from './call-log.ts';
import { choose, DEFAULT_CHOICES } from './choices.ts';
import type { Choices } from './choices.ts';
import { createClientTokens } from './client-tokens.ts';
import { Credentials } from './credentials.ts';
import { Executions } from './executions.ts';
import { createFaults } from './faults.ts';
import { createImageBuilderService } from './imagebuilder-service.ts';
import type { World } from './operations.ts';
import type { SimulatorOptions } from './options.ts';
import { createPages } from './pages.ts';
import { Policies } from './policies.ts';
import { createRandom } from './random.ts';
import { createTime } from './simulated-time.ts';
import { createStsService } from './sts-service.ts';
import { createThrottle } from './throttle.ts';

/** Creates the parts of a simulator that do not depend on its server. */
export function createParts(options: SimulatorOptions) {
  const { accounts, roles, sessionMs, now = Date.now, ratePerSecond = 20, burst = 20 } = options;
  let current = choose(DEFAULT_CHOICES, options);
  const choices = () => current;
  const seed = options.seed ?? randomInt(2 ** 32);
  const time = createTime(now);
  const random = createRandom(seed);
  const executions = new Executions(time, random);
  const credentials = new Credentials({ accounts, roles, sessionMs, now });
  const world: World = {
    executions,
    policies: new Policies(executions, time, choices),
    pages: createPages(choices),
    clientTokens: createClientTokens(),
    time,
    random: createRandom(seed + 2),
    choices,
  };
  return {
    world,
    now,
    /** The generator for everything that is started. */
    random,
    credentials,
    throttle: createThrottle(ratePerSecond, burst, now),
    // Faults have a generator of their own, so that the executions started do not depend on the number of calls.
    faults: createFaults(createRandom(seed + 1), now),
    calls: createCallLog(options.onCall),
    sts: createStsService(credentials),
    imageBuilder: createImageBuilderService(world),
    choose: (next: Partial<Choices>): void => {
      current = choose(current, next);
    },
  };
}

export type SimulatorParts = ReturnType<typeof createParts>;
