import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import { Problem, isProblemCode } from './problem.ts';
import type { Fault, ProblemCode } from './problem.ts';

type Issue = z.core.$ZodIssue;

/** `executions[3].labels.team`; empty for the whole. */
function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

function faultsOfIssue(issue: Issue): readonly Fault[] {
  const { path, message } = issue;
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: pathText([...path, key]), message: 'is not known' }));
  if (issue.code === 'invalid_key')
    return issue.issues.map((inner) => ({ path: pathText(path), message: inner.message }));
  return [{ path: pathText(path), message }];
}

/** A schema may name the code of its fault in `params`. */
function codeOfIssue(issue: Issue): ProblemCode {
  const code: unknown = issue.code === 'custom' ? issue.params?.['code'] : undefined;
  return isProblemCode(code) ? code : 'invalid_request';
}

/** Names every fault. The code is that of the faults where they agree, else `invalid_request`. */
export function invalidRequest(issues: readonly Issue[]): Problem {
  const [code = 'invalid_request', ...others] = new Set(issues.map(codeOfIssue));
  return new Problem(others.length === 0 ? code : 'invalid_request', {
    faults: issues.flatMap(faultsOfIssue),
  });
}

/** The order in which Fastify validates the parts of a request, stopping at the first that is faulty. */
const PARTS = ['params', 'body', 'querystring'] as const;

/** What is wrong with a request of which `failed` is the first part that is faulty: of this part and those after it. */
export function invalidRequestOf(request: FastifyRequest, failed: string | undefined): Problem {
  const values = { params: request.params, body: request.body ?? null, querystring: request.query };
  const schema = request.routeOptions.schema ?? {};
  const issues = PARTS.slice(PARTS.findIndex((part) => part === failed)).flatMap((part) => {
    const partSchema = schema[part];
    return partSchema instanceof z.ZodType ? (partSchema.safeParse(values[part]).error?.issues ?? []) : [];
  });
  return invalidRequest(issues);
}
