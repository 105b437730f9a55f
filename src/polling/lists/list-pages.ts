import type { Operation } from '../../domain/call/operation.ts';
import type { CallResult } from '../../domain/call/outcome.ts';
import type { Page } from '../../imagebuilder/gateway.ts';
import type { ListCalls } from './list-calls.ts';

/** A list with more pages than this is broken. The executions of seventy years would fit. */
const MOST_PAGES = 1000;

/** A list that could not be read to its end. */
export class ListFailure extends Error {
  override readonly name = 'ListFailure';
  /** True if a call failed, which `Calls` has logged. */
  readonly isLogged: boolean;

  constructor(message: string, isLogged = false) {
    super(message);
    this.isLogged = isLogged;
  }
}

export type SendForPage<T> = (
  nextToken: string | undefined,
  signal: AbortSignal,
) => Promise<CallResult<Page<T>>>;

/**
 * Yields the items of a list page by page. Rejects with `ListFailure` if a page cannot be had. A policy whose
 * executions are listed is named in the log.
 */
export async function* listPages<T>(
  calls: Pick<ListCalls, 'make'>,
  operation: Operation,
  send: SendForPage<T>,
  signal: AbortSignal,
  policyArn?: string,
): AsyncGenerator<readonly T[], void, undefined> {
  let nextToken: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const token = nextToken;
    const subject = policyArn === undefined ? {} : { listed: policyArn, about: () => ({ policyArn }) };
    const result = await calls.make(operation, (callSignal) => send(token, callSignal), signal, subject);
    if (result.outcome !== 'ok') throw new ListFailure(`${result.outcome}: ${result.message}`, true);
    yield result.value.items;
    ({ nextToken } = result.value);
    if (nextToken === undefined) return;
  }
  throw new ListFailure(`the list has more than ${MOST_PAGES} pages`);
}
