import * as z from 'zod';
import { pathText } from '../../config/faults.ts';
import { checkAgainst } from '../../config/issues.ts';
import { defined } from '../../runtime/defined.ts';
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
import { placeMembers } from './schemas.ts';

/** The parts of an HTTP request that the routes read. */
export interface ControlRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly body: unknown;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  /** The status of a successful response. Default: 200. */
  readonly status?: 201 | 204;
  readonly summary: string;
  readonly answer: (simulator: Simulator, request: ControlRequest) => unknown;
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
const placeSchema = z.strictObject(placeMembers);
const timeSchema = z.strictObject({ isFrozen: z.boolean() });

/** The routes of the control port, in the order in which `GET /` lists them. */
export const routes: readonly Route[] = [
  {
    method: 'GET',
    path: '/',
    summary: 'lists the routes, faults and choices',
    answer: () => overview(),
  },
  {
    method: 'GET',
    path: '/executions',
    summary: 'lists the executions with their real status histories: ?after=&limit=',
    answer(simulator, { query }) {
      const { after, limit } = read(pageSchema, query);
      const records = simulator.records(after, limit);
      return { executions: records.map(executionJson), next: records.at(-1)?.sequence ?? after };
    },
  },
  {
    method: 'GET',
    path: '/executions/:id',
    summary: 'returns one execution with its effects on images: ?accountId=&region=',
    answer(simulator, { query, params: { id = '' } }) {
      const place = placeOf(read(placeSchema, query));
      const record = simulator.record(id, place) ?? raise(new Problem('unknown_execution'));
      return { ...executionJson(record), resources: simulator.images(id, place).map(resourceJson) };
    },
  },
  actionRoute('POST', '/executions', 'start', 201),
  actionRoute('POST', '/updates', 'update', 201),
  {
    ...actionRoute('POST', '/cancels', 'cancel'),
    answer(simulator, { body }) {
      const input = read(actionSchemas.cancel, body);
      if (simulator.record(input.id, input) === undefined) throw new Problem('unknown_execution');
      return perform.cancel(simulator, input);
    },
  },
  {
    method: 'GET',
    path: '/policies',
    summary: 'lists the policies of an account and Region: ?accountId=&region=',
    answer: (simulator, { query }) => ({
      policies: simulator.policies(read(placeSchema, query)).map(policyJson),
    }),
  },
  actionRoute('POST', '/policies', 'policy', 201),
  {
    method: 'GET',
    path: '/faults',
    summary: 'lists the active faults, in the order in which they are tried',
    answer: (simulator) => ({ faults: simulator.faults().map(faultJson) }),
  },
  actionRoute('POST', '/faults', 'fault', 201),
  {
    method: 'DELETE',
    path: '/faults',
    status: 204,
    summary: 'removes all faults',
    answer: (simulator) => simulator.clearFaults(),
  },
  {
    method: 'DELETE',
    path: '/faults/:id',
    status: 204,
    summary: 'removes one fault',
    answer(simulator, { params: { id = '' } }) {
      if (!simulator.removeFault(id)) throw new Problem('not_found', { detail: `There is no fault ${id}.` });
    },
  },
  actionRoute('PUT', '/rate', 'rate'),
  {
    method: 'GET',
    path: '/choices',
    summary: 'returns the current choices for undocumented behaviour of AWS',
    answer: (simulator) => choicesJson(simulator.choices()),
  },
  {
    ...actionRoute('PUT', '/choices', 'choose'),
    answer(simulator, { body }) {
      perform.choose(simulator, read(actionSchemas.choose, body));
      return choicesJson(simulator.choices());
    },
  },
  {
    method: 'GET',
    path: '/time',
    summary: 'reports whether time is frozen',
    answer: (simulator) => timeJson(simulator),
  },
  {
    method: 'PUT',
    path: '/time',
    summary: 'freezes or continues the executions: {"isFrozen": true}',
    answer(simulator, { body }) {
      if (read(timeSchema, body).isFrozen) simulator.freeze();
      else simulator.thaw();
      return timeJson(simulator);
    },
  },
  {
    method: 'GET',
    path: '/calls',
    summary: 'lists the received calls with their responses: ?after=&limit=',
    answer(simulator, { query }) {
      const { after, limit } = read(pageSchema, query);
      const calls = simulator.callsAfter(after, limit);
      return { calls: calls.map(callJson), next: calls.at(-1)?.sequence ?? after };
    },
  },
  {
    method: 'GET',
    path: '/counts',
    summary: 'counts the calls by outcome',
    answer: (simulator) => simulator.counts(),
  },
  {
    method: 'GET',
    path: '/sessions',
    summary: 'lists the temporary credentials issued so far',
    answer: (simulator) => ({ sessions: simulator.sessions().map(sessionJson) }),
  },
  {
    method: 'DELETE',
    path: '/sessions',
    status: 204,
    summary: 'expires all temporary credentials issued so far',
    answer: (simulator) => simulator.expireSessions(),
  },
];

/** A route that performs one action of a scenario. */
function actionRoute(method: 'POST' | 'PUT', path: string, name: ActionName, status?: 201): Route {
  const schema: z.ZodType = actionSchemas[name];
  return {
    method,
    path,
    ...defined({ status }),
    summary: schema.description ?? name,
    answer(simulator, { body }) {
      const input = read(schema, body);
      try {
        return perform[name](simulator, input as never);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        throw new Problem('invalid_request', { faults: [{ path: '', message: error.message }] });
      }
    },
  };
}

/** Parses a part of a request. Throws a problem that lists every fault. */
function read<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const checked = checkAgainst(schema, value);
  if (checked.ok) return checked.value;
  const faults = checked.findings.map(({ path, message }) => ({ path: pathText(path), message }));
  throw new Problem('invalid_request', { faults });
}

function overview() {
  return {
    routes: routes.map(({ method, path, summary }) => ({ route: `${method} ${path}`, tells: summary })),
    faults: FAULT_NAMES.map((name) => {
      const { tells, seconds } = faultKind(name);
      return { name, tells, ...defined({ seconds }) };
    }),
    choices: CHOICE_LISTS,
  };
}

function raise(problem: Problem): never {
  throw problem;
}
