import { setImmediate as nextRound } from 'node:timers/promises';
import type { ExecutionKey } from '../../domain/execution/execution.ts';
import type { Registration, RegistrationResult } from '../../domain/execution/registration.ts';
import type { Caller } from '../auth.ts';
import { executionSchema } from '../../wire/execution.ts';
import { MOST_FAULTS } from '../../wire/problem.ts';
import { batchResultsSchema, registeredSchema } from '../../wire/registration.ts';
import { invalidRequest } from '../faults.ts';
import type { App } from '../fastify.ts';
import { namedTarget, presentExecution } from '../present/execution.ts';
import { Problem } from '../problem.ts';
import { batchBody, createRegistrationSchema, noQuery } from '../schemas.ts';
import type { RegistrationBody } from '../schemas.ts';
import type { HttpParts } from '../parts.ts';

const BATCH_LIMIT_BYTES = 2 * 1024 * 1024;
/**
 * Once the answer to a batch has named `MOST_FAULTS`, each further item names at most this many. A thousand items then come to
 * 1 MB, plus the names that they gave.
 */
const FAULTS_OF_AN_ITEM = 10;
/** A batch is validated for this long before everything else has its turn. An item with a hundred wrong labels takes 0.3 ms. */
const STRETCH_MS = 10;

/** `POST /v1/executions` and `POST /v1/executions/batch`. */
export function registrationRoutes(app: App, parts: HttpParts): void {
  const registrationSchema = createRegistrationSchema({
    now: () => parts.clock.now(),
    isTargetRequired: () => parts.targets.configured().length !== 1,
    callbackFault: (url) => parts.callbackFault(url),
  });

  /** The registrar counts what reaches it. What is refused before that is counted here. */
  const countInvalid = () => parts.notices.publish({ kind: 'registered', source: 'api', outcome: 'invalid' });

  app.post(
    '/executions',
    {
      config: {
        scope: 'register',
        operationId: 'registerExecution',
        summary: 'Watched from now on; known already: labels merged, unset members set',
        problems: ['target_required', 'unknown_target', 'callbacks_not_configured', 'too_many_labels'],
      },
      schema: {
        body: registrationSchema,
        querystring: noQuery,
        response: { 200: registeredSchema, 201: executionSchema },
      },
      attachValidation: true,
    },
    async (request, reply) => {
      if (request.validationError !== undefined) {
        countInvalid();
        throw request.validationError;
      }
      const registration = resolve(request.body, request.caller, parts);
      if (registration instanceof Problem) {
        countInvalid();
        throw registration;
      }
      const result = await registerOne(registration, parts);
      if (result instanceof Problem) throw result;
      const { execution } = result;
      const json = await presentExecution(execution, parts.targets);
      if (result.outcome === 'created')
        return reply.code(201).header('location', locationOf(execution, parts)).send(json);
      return result.unchanged.length === 0 ? json : { ...json, unchanged: result.unchanged };
    },
  );

  app.post(
    '/executions/batch',
    {
      config: {
        scope: 'register',
        operationId: 'registerExecutions',
        summary: 'Many at once, each for itself; results in order',
      },
      bodyLimit: BATCH_LIMIT_BYTES,
      schema: { body: batchBody, querystring: noQuery, response: { 200: batchResultsSchema } },
    },
    async ({ body, caller }) => {
      const validate = (item: unknown, most: number) => {
        const parsed = registrationSchema.safeParse(item);
        return parsed.success
          ? resolve(parsed.data, caller, parts)
          : invalidRequest(parsed.error.issues, most);
      };
      const checked = await validateBatch(body.executions, validate, parts);
      const good = checked.filter((item): item is Registration => !(item instanceof Problem));
      const kept = (good.length === 0 ? [] : await parts.registrar.register(good)).values();
      const results = checked.map((item, index) => {
        const result = item instanceof Problem ? item : settled(kept.next().value);
        const { outcome, error } = batchOutcome(result);
        if (item instanceof Problem) countInvalid();
        return { lifecycleExecutionId: idOf(body.executions[index]), outcome, error };
      });
      return { results };
    },
  );
}

/** Validates each item of a batch, in order. `most` is how many faults `validate` may name. */
async function validateBatch(
  items: readonly unknown[],
  validate: (item: unknown, most: number) => Registration | Problem,
  { clock }: Pick<HttpParts, 'clock'>,
): Promise<readonly (Registration | Problem)[]> {
  const validated: (Registration | Problem)[] = [];
  let left = MOST_FAULTS;
  // It does not begin at once, because parsing 2 MiB of JSON has taken up to 100 ms already.
  let startedTick = -Infinity;
  for (const item of items) {
    if (clock.monotonicNow() - startedTick > STRETCH_MS) {
      await nextRound();
      startedTick = clock.monotonicNow();
    }
    const result = validate(item, Math.max(left, FAULTS_OF_AN_ITEM));
    if (result instanceof Problem) left -= result.faults?.length ?? 0;
    validated.push(result);
  }
  return validated;
}

/** Returns the registration that a body asks for, or the problem that prevents it. */
function resolve(
  body: RegistrationBody,
  caller: Caller | undefined,
  parts: HttpParts,
): Registration | Problem {
  const targets = parts.targets.configured();
  const target = body.target === undefined ? targets[0] : targets.find(({ name }) => name === body.target);
  if (target === undefined) return new Problem('unknown_target');
  const { lifecycleExecutionId, labels, resourceArn, callbackUrl, expectedAt, giveUpAt } = body;
  return {
    accountId: target.accountId,
    region: target.region,
    lifecycleExecutionId,
    labels,
    ...(resourceArn === undefined ? {} : { resourceArn }),
    ...(callbackUrl === undefined ? {} : { callbackUrl }),
    ...(expectedAt === undefined ? {} : { expectedAt }),
    ...(giveUpAt === undefined ? {} : { giveUpAt }),
    source: 'api',
    ...(caller === undefined ? {} : { registeredBy: caller.name }),
  };
}

type Kept = Exclude<RegistrationResult, { readonly outcome: 'invalid' }>;

async function registerOne(registration: Registration, parts: HttpParts): Promise<Kept | Problem> {
  const [result] = await parts.registrar.register([registration]);
  return settled(result);
}

function settled(result: RegistrationResult | undefined): Kept | Problem {
  if (result === undefined) throw new Error('a registration got no result');
  if (result.outcome !== 'invalid') return result;
  const problem = new Problem(result.reason);
  return new Problem(result.reason, { faults: [{ path: 'labels', message: problem.message }] });
}

function batchOutcome(result: Kept | Problem) {
  if (!(result instanceof Problem)) return { outcome: result.outcome, error: undefined };
  const { code, message, faults } = result;
  return { outcome: 'invalid', error: { code, message, errors: faults } } as const;
}

/** Returns the id that an item of a batch gives, valid or not; undefined if it gives none. */
function idOf(item: unknown): string | undefined {
  const isObject = typeof item === 'object' && item !== null;
  const id = isObject && 'lifecycleExecutionId' in item ? item.lifecycleExecutionId : undefined;
  return typeof id === 'string' ? id : undefined;
}

function locationOf(key: ExecutionKey, parts: HttpParts): string {
  const { name } = namedTarget(parts.targets.configured(), key);
  return `/v1/executions/${key.lifecycleExecutionId}?target=${encodeURIComponent(name)}`;
}
