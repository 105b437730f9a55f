import { STATUS_CODES } from 'node:http';
import type { FastifyContextConfig, FastifySchema } from 'fastify';
import * as z from 'zod';
import { defined } from '../../runtime/defined.ts';
import { PROBLEMS, PROBLEM_TYPE } from '../../wire/problem.ts';
import type { ProblemCode } from '../../wire/problem.ts';
import { componentRef, jsonSchema } from './json-schema.ts';
import type { Components, JsonSchema } from './json-schema.ts';
import { parameters } from './parameters.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The name of the route in the description of the API. */
    operationId?: string;
    summary?: string;
    /** Anything that a user needs to know beyond the summary. */
    description?: string;
    /** The problems that the route can answer with, except those that all routes of its kind share. */
    problems?: readonly ProblemCode[];
  }
}

/** The parts of a route that its description is made from. */
export interface DescribedRoute {
  readonly method: string;
  readonly url: string;
  readonly config: FastifyContextConfig;
  readonly schema: FastifySchema;
}

/** The components that operations refer to, by name. */
export interface Shared {
  readonly schemas: Components;
  readonly responses: Record<string, unknown>;
}

/** Converts a route to an Operation Object. Adds the components that it refers to to `shared`. */
export function operation(route: DescribedRoute, shared: Shared) {
  const { schemas, responses } = shared;
  const { operationId, summary, description, scope, problems = [] } = route.config;
  const { params, querystring, body, response } = route.schema;
  const inputSchema = (part: unknown) =>
    part instanceof z.ZodType ? jsonSchema(part, 'input', schemas) : {};
  return {
    operationId,
    summary,
    ...defined({ description }),
    // OpenAPI 3.1 calls the scope that the token needs a role.
    security: scope === undefined ? [] : [{ bearer: [scope] }, { apiKey: [scope] }],
    parameters: [
      ...parameters('path', inputSchema(params)),
      ...parameters('query', inputSchema(querystring)),
    ],
    ...(body instanceof z.ZodType ? { requestBody: requestBody(body, inputSchema(body)) } : {}),
    responses: {
      ...answers(response, schemas),
      ...problemAnswers([...commonProblems(route), ...problems], responses),
    },
  };
}

/** The media type is the `contentMediaType` of the schema, or else JSON. */
function content(schema: JsonSchema) {
  return { [schema.contentMediaType ?? 'application/json']: { schema } };
}

function requestBody(body: z.ZodType, schema: JsonSchema) {
  const required = !body.safeParse(null).success;
  // An absent body is parsed as null.
  const [present = schema] =
    schema.anyOf?.filter((choice) => typeof choice === 'object' && choice.type !== 'null') ?? [];
  return { required, content: content(required ? schema : present) };
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

/** Returns the problems that follow from the kind of a route. */
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
  'foreign_request',
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
  'unsupported_content_coding',
] as const;

const header = (description: string, type = 'string') => ({ required: true, description, schema: { type } });
const LOCATION = header('The path of the execution');
const RETRY_AFTER = { 'retry-after': header('Seconds to wait before the next attempt', 'integer') };
const CHALLENGE = { 'www-authenticate': header('What is wrong with the token (RFC 6750)') };
const HEADERS: Readonly<Record<number, object>> = {
  401: CHALLENGE,
  403: CHALLENGE,
  429: RETRY_AFTER,
  503: RETRY_AFTER,
};

/** Operations share the answers that have the same codes. Each is named after its codes. */
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
