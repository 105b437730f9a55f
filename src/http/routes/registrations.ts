import type { CallbackFault } from '../../domain/delivery/callback.ts';
import type { ExecutionKey } from '../../domain/execution/execution.ts';
import type { Registration, RegistrationResult } from '../../domain/execution/registration.ts';
import type { Notices } from '../../notices/notices.ts';
import type { Registrar } from '../../registration/registrar.ts';
import type { Clock } from '../../runtime/clock.ts';
import { defined } from '../../runtime/defined.ts';
import { executionSchema } from '../../wire/execution.ts';
import { batchResultsSchema, registeredSchema } from '../../wire/registration.ts';
import type { Caller } from '../auth.ts';
import { faultMessage } from '../fault-messages.ts';
import { invalidRequest } from '../faults.ts';
import type { App } from '../fastify.ts';
import { noQuery } from '../inputs.ts';
import { namedTarget, presentExecution } from '../present/execution.ts';
import { Problem } from '../problem.ts';
import { batchBody, createRegistrationSchema } from '../registration-schema.ts';
import type { RegistrationBody, RegistrationSchema } from '../registration-schema.ts';
import type { Targets } from '../targets.ts';
import { validateBatch } from '../validate-batch.ts';

const BATCH_LIMIT_BYTES = 2 * 1024 * 1024;

interface RegistrationRouteParts {
  readonly registrar: Pick<Registrar, 'register'>;
  readonly targets: Pick<Targets, 'configured' | 'live'>;
  readonly callbackFault: (url: string) => CallbackFault | undefined;
  readonly notices: Notices;
  readonly clock: Clock;
}

/** Adds `POST /v1/executions` and `POST /v1/executions/batch`. */
export function registrationRoutes(app: App, parts: RegistrationRouteParts): void {
  const schema = createRegistrationSchema({
    now: () => parts.clock.now(),
    isTargetRequired: () => parts.targets.configured().length !== 1,
    callbackFault: (url) => parts.callbackFault(url),
  });
  addRegister(app, schema, parts);
  addRegisterBatch(app, schema, parts);
}

function addRegister(app: App, schema: RegistrationSchema, parts: RegistrationRouteParts): void {
  const { registrar, targets, notices } = parts;
  app.post(
    '/executions',
    {
      config: {
        scope: 'register',
        operationId: 'registerExecution',
        summary: 'Register an execution',
        description:
          'Tracks the execution from now on. If it is already known, labels are merged and unset members are set.',
        problems: ['target_required', 'unknown_target', 'callbacks_not_configured', 'too_many_labels'],
      },
      schema: {
        body: schema,
        querystring: noQuery,
        response: { 200: registeredSchema, 201: executionSchema },
      },
      attachValidation: true,
    },
    async (request, reply) => {
      if (request.validationError !== undefined) {
        countInvalid(notices);
        throw request.validationError;
      }
      const registration = toRegistration(request.body, request.caller, targets);
      if (registration instanceof Problem) {
        countInvalid(notices);
        throw registration;
      }
      const [registered] = await registrar.register([registration]);
      const result = acceptedOrProblem(registered);
      if (result instanceof Problem) throw result;
      const { execution } = result;
      const json = await presentExecution(execution, targets);
      if (result.outcome === 'created')
        return reply.code(201).header('location', locationOf(execution, targets)).send(json);
      return result.unchanged.length === 0 ? json : { ...json, unchanged: result.unchanged };
    },
  );
}

function addRegisterBatch(app: App, schema: RegistrationSchema, parts: RegistrationRouteParts): void {
  const { registrar, targets, notices, clock } = parts;
  app.post(
    '/executions/batch',
    {
      config: {
        scope: 'register',
        operationId: 'registerExecutions',
        summary: 'Register several executions',
        description:
          'An invalid registration does not affect the others. The results are in the order of the request.',
      },
      bodyLimit: BATCH_LIMIT_BYTES,
      schema: { body: batchBody, querystring: noQuery, response: { 200: batchResultsSchema } },
    },
    async ({ body, caller }) => {
      const validate = (item: unknown, mostFaults: number) => {
        const parsed = schema.safeParse(item, { error: faultMessage });
        return parsed.success
          ? toRegistration(parsed.data, caller, targets)
          : invalidRequest(parsed.error.issues, mostFaults);
      };
      const validated = await validateBatch(body.executions, validate, clock);
      const valid = validated.filter((item): item is Registration => !(item instanceof Problem));
      const registered = (valid.length === 0 ? [] : await registrar.register(valid)).values();
      const results = validated.map((item, index) => {
        if (item instanceof Problem) countInvalid(notices);
        const result = item instanceof Problem ? item : acceptedOrProblem(registered.next().value);
        return { lifecycleExecutionId: idOf(body.executions[index]), ...batchOutcome(result) };
      });
      return { results };
    },
  );
}

/** Counts a registration that is refused here. The registrar counts the others. */
function countInvalid(notices: Notices): void {
  notices.publish({ kind: 'registered', source: 'api', outcome: 'invalid' });
}

/** Returns the registration that a body describes, or a problem if its target is unknown. */
function toRegistration(
  body: RegistrationBody,
  caller: Caller | undefined,
  targets: Pick<Targets, 'configured'>,
): Registration | Problem {
  const configured = targets.configured();
  const target =
    body.target === undefined ? configured[0] : configured.find(({ name }) => name === body.target);
  if (target === undefined) return new Problem('unknown_target');
  const { lifecycleExecutionId, labels, resourceArn, callbackUrl, expectedAt, giveUpAt } = body;
  return {
    accountId: target.accountId,
    region: target.region,
    lifecycleExecutionId,
    labels,
    source: 'api',
    ...defined({ resourceArn, callbackUrl, expectedAt, giveUpAt, registeredBy: caller?.name }),
  };
}

type Accepted = Exclude<RegistrationResult, { readonly outcome: 'invalid' }>;

function acceptedOrProblem(result: RegistrationResult | undefined): Accepted | Problem {
  if (result === undefined) throw new Error('a registration has no result');
  if (result.outcome !== 'invalid') return result;
  const { message } = new Problem(result.reason);
  return new Problem(result.reason, { faults: [{ path: 'labels', message }] });
}

function batchOutcome(result: Accepted | Problem) {
  if (!(result instanceof Problem)) return { outcome: result.outcome, error: undefined };
  const { code, message, faults } = result;
  return { outcome: 'invalid', error: { code, message, errors: faults } } as const;
}

/** Returns the id in an item of a batch, valid or not but well-formed; undefined if there is none. */
function idOf(item: unknown): string | undefined {
  const isObject = typeof item === 'object' && item !== null;
  const id = isObject && 'lifecycleExecutionId' in item ? item.lifecycleExecutionId : undefined;
  return typeof id === 'string' ? id.toWellFormed() : undefined;
}

function locationOf(key: ExecutionKey, targets: Pick<Targets, 'configured'>): string {
  const { name } = namedTarget(targets.configured(), key);
  return `/v1/executions/${key.lifecycleExecutionId}?target=${encodeURIComponent(name)}`;
}
