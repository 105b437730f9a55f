import * as z from 'zod';
import { pathText } from '../../config/faults.ts';
import { checkAgainst } from '../../config/issues.ts';
import { Problem } from '../../http/problem.ts';
import { CHOICE_LISTS, FAULT_NAMES, faultKind, placeOf } from '../../simulator/simulator.ts';
import type { Simulator } from '../../simulator/simulator.ts';
import { actionSchemas } from './actions.ts';
import type { ActionName } from './actions.ts';
import {
  callJson,
  choicesJson,
  executionJson,
  faultJson,
  policyJson,
  resourceJson,
  sessionJson,
  timeJson,
} from './control-json.ts';
import { perform } from './perform.ts';
import { place } from './schemas.ts';

/** A request as the routes see it. */
export interface Asked {
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly body: unknown;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  /** Of an answer that is good. Default: 200. */
  readonly status?: 201 | 204;
  readonly tells: string;
  readonly answer: (simulator: Simulator, asked: Asked) => unknown;
}

const wholeNumber = (least: number, most: number) => {
  const message = `must be a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .refine((value) => value >= least && value <= most, message);
};
const pageSchema = z.strictObject({
  after: wholeNumber(0, 1e15).default(0),
  limit: wholeNumber(1, 1000).default(100),
});
const placeSchema = z.strictObject(place);
const timeSchema = z.strictObject({ isFrozen: z.boolean() });

/** What the control port answers, in the order in which `GET /` lists it. */
export const routes: readonly Route[] = [
  {
    method: 'GET',
    path: '/',
    tells: 'what can be asked here, every fault and every choice',
    answer: () => overview(),
  },
  {
    method: 'GET',
    path: '/executions',
    tells: 'every execution with its real status history: ?after=&limit=',
    answer(simulator, { query }) {
      const { after, limit } = read(pageSchema, query);
      const records = simulator.records(after, limit);
      return { executions: records.map(executionJson), next: records.at(-1)?.sequence ?? after };
    },
  },
  {
    method: 'GET',
    path: '/executions/:id',
    tells: 'one, with what it does to its images: ?accountId=&region=',
    answer(simulator, { query, params: { id = '' } }) {
      const where = placeOf(read(placeSchema, query));
      const record = simulator.record(id, where) ?? raise(new Problem('unknown_execution'));
      return { ...executionJson(record), resources: simulator.images(id, where).map(resourceJson) };
    },
  },
  acting('POST', '/executions', 'start', 201),
  acting('POST', '/updates', 'update', 201),
  {
    ...acting('POST', '/cancels', 'cancel'),
    answer(simulator, { body }) {
      const given = read(actionSchemas.cancel, body);
      if (simulator.record(given.id, given) === undefined) throw new Problem('unknown_execution');
      return perform.cancel(simulator, given);
    },
  },
  {
    method: 'GET',
    path: '/policies',
    tells: 'the policies of a place: ?accountId=&region=',
    answer: (simulator, { query }) => ({
      policies: simulator.policies(read(placeSchema, query)).map(policyJson),
    }),
  },
  acting('POST', '/policies', 'policy', 201),
  {
    method: 'GET',
    path: '/faults',
    tells: 'the active faults, in the order in which they strike',
    answer: (simulator) => ({ faults: simulator.faults().map(faultJson) }),
  },
  acting('POST', '/faults', 'fault', 201),
  {
    method: 'DELETE',
    path: '/faults',
    status: 204,
    tells: 'ends every fault',
    answer: (simulator) => simulator.clearFaults(),
  },
  {
    method: 'DELETE',
    path: '/faults/:id',
    status: 204,
    tells: 'ends one',
    answer(simulator, { params: { id = '' } }) {
      if (!simulator.removeFault(id)) throw new Problem('not_found', { detail: `There is no fault ${id}.` });
    },
  },
  acting('PUT', '/rate', 'rate'),
  {
    method: 'GET',
    path: '/choices',
    tells: 'what AWS leaves open, as it is decided now',
    answer: (simulator) => choicesJson(simulator.choices()),
  },
  {
    ...acting('PUT', '/choices', 'choose'),
    answer(simulator, { body }) {
      perform.choose(simulator, read(actionSchemas.choose, body));
      return choicesJson(simulator.choices());
    },
  },
  {
    method: 'GET',
    path: '/time',
    tells: 'whether time stands still',
    answer: (simulator) => timeJson(simulator),
  },
  {
    method: 'PUT',
    path: '/time',
    tells: 'freezes the executions or lets them go on: {"isFrozen": true}',
    answer(simulator, { body }) {
      if (read(timeSchema, body).isFrozen) simulator.freeze();
      else simulator.thaw();
      return timeJson(simulator);
    },
  },
  {
    method: 'GET',
    path: '/calls',
    tells: 'every call that was received, and what it was answered: ?after=&limit=',
    answer(simulator, { query }) {
      const { after, limit } = read(pageSchema, query);
      const calls = simulator.callsAfter(after, limit);
      return { calls: calls.map(callJson), next: calls.at(-1)?.sequence ?? after };
    },
  },
  {
    method: 'GET',
    path: '/counts',
    tells: 'calls by outcome',
    answer: (simulator) => simulator.counts(),
  },
  {
    method: 'GET',
    path: '/sessions',
    tells: 'the temporary credentials that were given out',
    answer: (simulator) => ({ sessions: simulator.sessions().map(sessionJson) }),
  },
  {
    method: 'DELETE',
    path: '/sessions',
    status: 204,
    tells: 'those given out so far are expired',
    answer: (simulator) => simulator.expireSessions(),
  },
];

/** A route that does one action of a scenario. */
function acting(method: 'POST' | 'PUT', path: string, name: ActionName, status?: 201): Route {
  const schema: z.ZodType = actionSchemas[name];
  return {
    method,
    path,
    ...(status && { status }),
    tells: schema.description ?? name,
    answer(simulator, { body }) {
      const given = read(schema, body);
      try {
        return perform[name](simulator, given as never);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        throw new Problem('invalid_request', { faults: [{ path: '', message: error.message }] });
      }
    },
  };
}

/** A part of a request as its schema has it. Throws a problem that names every fault. */
function read<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const checked = checkAgainst(schema, value);
  if (checked.ok) return checked.value;
  const faults = checked.findings.map(({ path, message }) => ({ path: pathText(path), message }));
  throw new Problem('invalid_request', { faults });
}

function overview() {
  return {
    routes: routes.map(({ method, path, tells }) => ({ route: `${method} ${path}`, tells })),
    faults: FAULT_NAMES.map((name) => {
      const { tells, seconds } = faultKind(name);
      return { name, tells, ...(seconds !== undefined && { seconds }) };
    }),
    choices: CHOICE_LISTS,
  };
}

function raise(problem: Problem): never {
  throw problem;
}
