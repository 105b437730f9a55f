import * as z from 'zod';
import { TRACKINGS } from '../../domain/execution/execution.ts';
import { defined } from '../../runtime/defined.ts';
import { executionPageSchema } from '../../wire/execution.ts';
import { createCursor, lastNumber } from '../cursor.ts';
import type { App } from '../fastify.ts';
import { findTargetKey, targetNamed } from '../find-execution.ts';
import {
  LABEL_KEY,
  arn,
  choiceParameter,
  labels,
  limitParameter,
  parameter,
  targetParameter,
} from '../inputs.ts';
import { refuseUnknownNames } from '../known-names.ts';
import { presentExecutions } from '../present/execution.ts';
import type { Reading } from '../reading.ts';
import type { Targets } from '../targets.ts';

/** Holds the `registration` of the last execution on a page. */
const cursors = createCursor('executions/1', lastNumber);

const LABEL_PARAMETER = new RegExp(`^label\\.(?!__proto__$)(${LABEL_KEY})$`);

/** Collects the parameters `label.KEY` into one member `label`. */
function collectLabels(query: unknown): unknown {
  const label: Record<string, unknown> = {};
  const others: [string, unknown][] = [];
  for (const [name, value] of Object.entries(query ?? {})) {
    const key = LABEL_PARAMETER.exec(name)?.[1];
    if (key === undefined) others.push([name, value]);
    else label[key] = value;
  }
  return { label, ...Object.fromEntries(others) };
}

const listQuery = z.preprocess(
  collectLabels,
  z.strictObject({
    tracking: choiceParameter(TRACKINGS).optional(),
    status: parameter.regex(/^[A-Z_]+$/, 'must be a status, such as FAILED').optional(),
    target: targetParameter,
    policyArn: parameter.pipe(arn).optional(),
    label: labels,
    limit: limitParameter,
    cursor: cursors.parameter.optional(),
  }),
);

interface ExecutionListParts {
  readonly reading: Pick<Reading, 'list' | 'hasExecutionsOf'>;
  readonly targets: Pick<Targets, 'configured' | 'live'>;
}

/** Adds `GET /v1/executions`. */
export function executionListRoutes(app: App, { reading, targets }: ExecutionListParts): void {
  app.get(
    '/executions',
    {
      config: {
        scope: 'read',
        operationId: 'listExecutions',
        summary: 'List executions, newest registration first',
        problems: ['invalid_cursor'],
      },
      schema: { querystring: listQuery, response: { 200: executionPageSchema } },
      attachValidation: true,
      preHandler: refuseUnknownNames({
        target: async (name) => {
          const { isConfigured, key } = targetNamed(name, targets);
          return isConfigured || (key !== undefined && (await reading.hasExecutionsOf(key)));
        },
      }),
    },
    async ({ query }) => {
      const { tracking, status, target, policyArn, label, limit, cursor } = query;
      const { executions, next } = await reading.list({
        ...defined({
          tracking,
          status,
          target: target === undefined ? undefined : findTargetKey(target, targets),
          policyArn,
          before: cursor?.[0],
        }),
        labels: label,
        limit,
      });
      return {
        executions: await presentExecutions(executions, targets),
        nextCursor: next === undefined ? null : cursors.format([next]),
      };
    },
  );
}
