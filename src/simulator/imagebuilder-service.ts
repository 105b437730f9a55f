import { rewriteJson } from './rewrites.ts';
import {
  cancelLifecycleExecution,
  getLifecycleExecution,
  listLifecycleExecutions,
} from './execution-operations.ts';
import { isMembers, model, modelOperation, shapeOf, toWire, violation } from './model.ts';
import type { Members } from './model.ts';
import { modelled } from './operations.ts';
import type { Operation, Result, World } from './operations.ts';
import { listLifecyclePolicies } from './policy-operation.ts';
import { listLifecycleExecutionResources } from './resource-operation.ts';
import type { Refusal } from './signature.ts';
import { startResourceStateUpdate } from './update-operation.ts';
import type { Answer, Request, Service, ServiceError, WireForm } from './wire.ts';

/** The simulated operations. The model gives the method, path and members of each. */
const operations: Readonly<Record<string, Operation>> = {
  GetLifecycleExecution: getLifecycleExecution,
  ListLifecycleExecutions: listLifecycleExecutions,
  ListLifecycleExecutionResources: listLifecycleExecutionResources,
  ListLifecyclePolicies: listLifecyclePolicies,
  CancelLifecycleExecution: cancelLifecycleExecution,
  StartResourceStateUpdate: startResourceStateUpdate,
};
export const IMAGE_BUILDER_OPERATIONS = Object.keys(operations);

const JSON_TYPE = 'application/json';

/** Codes from AWS's "Common error types"; the model does not list them. */
const REFUSALS: Readonly<Record<Refusal, ServiceError>> = {
  unsigned: refused('MissingAuthenticationTokenException', 'Missing Authentication Token'),
  malformed: refused('IncompleteSignatureException', 'Authorization header is not a valid signature.'),
  'unknown-key': refused(
    'UnrecognizedClientException',
    'The security token included in the request is invalid.',
  ),
  'wrong-token': refused(
    'UnrecognizedClientException',
    'The security token included in the request is invalid.',
  ),
  expired: refused('ExpiredTokenException', 'The security token included in the request is expired'),
  'wrong-service': refused(
    'InvalidSignatureException',
    `Credential should be scoped to correct service: '${model.metadata.signingName}'.`,
  ),
};

/** EC2 Image Builder over REST-JSON. */
export function createImageBuilderService(world: World): Service {
  const errorAnswer = (error: ServiceError, wire = world.choices().errorWire) => errorJson(error, wire);
  return {
    signingName: model.metadata.signingName,
    isThrottled: true,
    operationOf: ({ method, path }) =>
      IMAGE_BUILDER_OPERATIONS.find((name) => {
        const { http } = modelOperation(name);
        return http.method === method && http.requestUri === path;
      }),
    unknownOperation: ({ method, path }) => {
      const message = `There is no operation ${method} ${path}`;
      return { code: 'UnknownOperationException', httpStatus: 404, message };
    },
    refusal: (refusal) => REFUSALS[refusal],
    throttled: () => modelled('CallRateLimitExceededException', 'Rate exceeded'),
    executionIdOf(name, request) {
      const id = membersOf(name, request)?.lifecycleExecutionId;
      return typeof id === 'string' ? id : undefined;
    },
    run(name, request, caller, view) {
      const operation = operations[name];
      if (operation === undefined) throw new Error(`${name} is not simulated`);
      const input = readInput(name, request);
      const result: Result =
        'code' in input
          ? { outcome: 'rejected', error: input }
          : operation(input.members, caller, world, view);
      if ('error' in result) {
        const { error, ...rest } = result;
        return { ...rest, answer: errorAnswer(error) };
      }
      const { output, ...rest } = result;
      return { ...rest, answer: json(200, toWire(modelOperation(name).output.shape, output)) };
    },
    rewrite: (name, answer, rewrite) => ({
      ...answer,
      body: rewriteJson(modelOperation(name).output.shape, answer.body, rewrite),
    }),
    errorAnswer,
  };
}

/** Returns the members of the operation's input, or an error if they break the model. */
function readInput(name: string, request: Request): { readonly members: Members } | ServiceError {
  const members = membersOf(name, request);
  if (members === undefined)
    return { code: 'SerializationException', httpStatus: 400, message: 'not a JSON object' };
  const wrong = violation(modelOperation(name).input.shape, members);
  if (wrong === undefined) return { members };
  return modelled('InvalidRequestException', `The value supplied for parameter '${wrong}' is not valid.`);
}

/** Returns unchecked members from query and body, as the model places them, or undefined if the body is not a JSON object. */
function membersOf(name: string, { query, body }: Request): Members | undefined {
  const inBody = parsedBody(body);
  if (inBody === undefined) return undefined;
  const entries = Object.entries(shapeOf(modelOperation(name).input.shape).members ?? {}).map(
    ([member, place]) => {
      const wireName = place.locationName ?? member;
      const value = place.location === 'querystring' ? query.get(wireName) : inBody[wireName];
      return [member, value ?? undefined] as const;
    },
  );
  return Object.fromEntries(entries);
}

function parsedBody(body: string): Members | undefined {
  if (body === '') return {};
  try {
    const parsed: unknown = JSON.parse(body);
    return isMembers(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** A suffix and a namespace of the kind that AWS's services add. */
const SUFFIX = ':http://internal.amazon.com/coral/com.amazonaws.imagebuilder/';
const NAMESPACE = 'com.amazonaws.imagebuilder#';

function errorJson({ code, httpStatus, message }: ServiceError, wire: WireForm): Answer {
  const inHeader = (name: string) => {
    const { headers, ...answer } = json(httpStatus, { message });
    return { ...answer, headers: { ...headers, 'x-amzn-errortype': name } };
  };
  switch (wire) {
    case 'header':
      return inHeader(code);
    case 'header-suffix':
      return inHeader(code + SUFFIX);
    case 'body':
      return json(httpStatus, { __type: code, message });
    case 'body-namespace':
      return json(httpStatus, { __type: NAMESPACE + code, message });
    case 'body-code':
      return json(httpStatus, { code, message });
  }
}

function json(httpStatus: number, body: unknown): Answer {
  return { httpStatus, headers: { 'content-type': JSON_TYPE }, body: JSON.stringify(body) };
}

function refused(code: string, message: string): ServiceError {
  return { code, httpStatus: 403, message };
}
