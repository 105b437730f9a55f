import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import { MOST_FAULTS, PROBLEMS } from '../wire/problem.ts';
import type { Fault, ProblemCode } from '../wire/problem.ts';
import { faultMessage } from './fault-messages.ts';
import { Problem, isProblemCode } from './problem.ts';

type Issue = z.core.$ZodIssue;

/** Formats a path, such as `executions[3].labels.team`. The path of the whole value is empty. */
function pathText(path: readonly PropertyKey[]): string {
  const whole = path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
  // The names of members are the client's, and its own parser might refuse a lone surrogate in them.
  return whole.toWellFormed();
}

function* faultsOfIssue(issue: Issue): Generator<Fault> {
  const { path, message } = issue;
  if (issue.code === 'unrecognized_keys')
    for (const key of issue.keys) yield { path: pathText([...path, key]), message: 'is unknown' };
  else if (issue.code === 'invalid_key')
    for (const inner of issue.issues) yield { path: pathText(path), message: inner.message };
  else yield { path: pathText(path), message };
}

/** Returns the code that a schema names in `params`. */
function codeOfIssue(issue: Issue): ProblemCode {
  const code: unknown = issue.code === 'custom' ? issue.params?.['code'] : undefined;
  return isProblemCode(code) ? code : 'invalid_request';
}

/**
 * Returns a problem that lists every fault. If there are more than `most`, it lists the first of them and says so. The code is
 * that of the faults if they agree, otherwise `invalid_request`.
 */
export function invalidRequest(issues: readonly Issue[], most = MOST_FAULTS): Problem {
  const [first = 'invalid_request', ...others] = new Set(issues.map(codeOfIssue));
  const code = others.length === 0 ? first : 'invalid_request';
  const faults = issues
    .values()
    .flatMap(faultsOfIssue)
    .take(most + 1)
    .toArray();
  if (faults.length <= most) return new Problem(code, { faults });
  const detail = `${PROBLEMS[code].detail} Only the first ${most} faults are listed.`;
  return new Problem(code, { detail, faults: faults.slice(0, most) });
}

/** The order in which Fastify validates the parts of a request. It stops at the first invalid part. */
const PARTS = ['params', 'body', 'querystring'] as const;

/**
 * Lists the faults of a request: those in `failed`, its first invalid part if any, those in all later parts, and `others`.
 */
export function invalidRequestOf(
  request: FastifyRequest,
  failed: string | undefined,
  others: readonly Issue[] = [],
): Problem {
  const values = { params: request.params, body: request.body ?? null, querystring: request.query };
  const schema = request.routeOptions.schema ?? {};
  const parts = failed === undefined ? [] : PARTS.slice(PARTS.findIndex((part) => part === failed));
  const issues = parts.flatMap((part) => {
    const partSchema = schema[part];
    return partSchema instanceof z.ZodType
      ? (partSchema.safeParse(values[part], { error: faultMessage }).error?.issues ?? [])
      : [];
  });
  return invalidRequest([...issues, ...others]);
}
