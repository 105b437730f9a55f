import { STATUS_CODES } from 'node:http';
import type { FastifyContextConfig, FastifySchema } from 'fastify';
import * as z from 'zod';
import { PROBLEMS, PROBLEM_TYPE } from '../../wire/problem.ts';
import type { ProblemCode } from '../../wire/problem.ts';
import { componentRef, jsonSchema } from './json-schema.ts';
import type { Components, JsonSchema } from './json-schema.ts';
import { parameters } from './parameters.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route's name in the description of the API. */
    operationId?: string;
    summary?: string;
    /** How it can end badly, beyond what all routes of its kind have in common. */
    problems?: readonly ProblemCode[];
  }
}

/** What the description tells of a route. */
export interface DescribedRoute {
  readonly method: string;
  readonly url: string;
  readonly config: FastifyContextConfig;
  readonly schema: FastifySchema;
}

/** What operations refer to, by name. */
export interface Shared {
  readonly schemas: Components;
  readonly responses: Record<string, unknown>;
}

/** A route as an Operation Object; what it refers to goes to `shared`. */
export function operation(route: DescribedRoute, shared: Shared) {
  const { schemas, responses } = shared;
  const { operationId, summary, scope, problems = [] } = route.config;
  const { params, querystring, body, response } = route.schema;
  const taken = (part: unknown) => (part instanceof z.ZodType ? jsonSchema(part, 'input', schemas) : {});
  return {
    operationId,
    summary,
    // 3.1 calls it a role: the scope that the token needs.
    security: scope === undefined ? [] : [{ bearer: [scope] }, { apiKey: [scope] }],
    parameters: [...parameters('path', taken(params)), ...parameters('query', taken(querystring))],
    ...(body instanceof z.ZodType ? { requestBody: requestBody(body, taken(body)) } : {}),
    responses: {
      ...answers(response, schemas),
      ...problemAnswers([...commonProblems(route), ...problems], responses),
    },
  };
}

/** Text may say what it is by `contentMediaType`; everything else is JSON. */
function content(schema: JsonSchema) {
  return { [schema.contentMediaType ?? 'application/json']: { schema } };
}

function requestBody(body: z.ZodType, schema: JsonSchema) {
  const required = !body.safeParse(null).success;
  // No body at all is read as null.
  const [given = schema] =
    schema.anyOf?.filter((choice) => typeof choice === 'object' && choice.type !== 'null') ?? [];
  return { required, content: content(required ? schema : given) };
}

function answers(response: FastifySchema['response'], schemas: Components) {
  const byStatus = Object.entries((response ?? {}) as Readonly<Record<string, z.ZodType>>);
  return Object.fromEntries(
    byStatus.map(([status, schema]) => [
      status,
      {
        description: STATUS_CODES[status] ?? status,
        ...(status === '201' ? { headers: { location: LOCATION } } : {}),
        ...(schema instanceof z.ZodUndefined
          ? {}
          : { content: content(jsonSchema(schema, 'output', schemas)) }),
      },
    ]),
  );
}

/** What happens to routes of all kinds, before they are asked and after. */
function commonProblems({ method, config, schema }: DescribedRoute): readonly ProblemCode[] {
  const { params, querystring, body } = schema;
  return [
    'internal_error',
    ...(config.scope === undefined ? [] : API_PROBLEMS),
    ...(method === 'GET' ? [] : BODY_PROBLEMS),
    ...(querystring === undefined && body === undefined ? [] : (['invalid_request'] as const)),
    ...(params === undefined ? [] : (['malformed_request'] as const)),
  ];
}

const API_PROBLEMS = [
  'unauthorized',
  'forbidden',
  'too_many_requests',
  'overloaded',
  'draining',
  'store_unavailable',
] as const;
const BODY_PROBLEMS = [
  'malformed_json',
  'request_timeout',
  'body_too_large',
  'unsupported_media_type',
] as const;

const header = (description: string, type = 'string') => ({ required: true, description, schema: { type } });
const LOCATION = header('Where it can be read from now on');
const RETRY_AFTER = { 'retry-after': header('Seconds until it is worth trying again', 'integer') };
const CHALLENGE = { 'www-authenticate': header('What is wrong with the token (RFC 6750)') };
const HEADERS: Readonly<Record<number, object>> = {
  401: CHALLENGE,
  403: CHALLENGE,
  429: RETRY_AFTER,
  503: RETRY_AFTER,
};

/** Operations share answers that have the same codes; they are named after these. */
function problemAnswers(codes: readonly ProblemCode[], responses: Shared['responses']) {
  const byStatus = Object.groupBy(new Set(codes), (code) => PROBLEMS[code].status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, ofStatus]) => {
      const name = ofStatus.sort().join('.');
      responses[name] = problemAnswer(Number(status), ofStatus);
      return [status, { $ref: `#/components/responses/${name}` }];
    }),
  );
}

function problemAnswer(status: number, codes: readonly ProblemCode[]) {
  const schema = { ...componentRef('Problem'), properties: { code: { enum: codes } } };
  return {
    description: codes.map((code) => `${code}: ${PROBLEMS[code].detail}`).join('\n\n'),
    headers: HEADERS[status] ?? {},
    content: { [PROBLEM_TYPE]: { schema } },
  };
}
