import type { Choices, UnknownIdAnswer } from './choices.ts';
import type { View } from './execution.ts';
import type { Executions } from './executions.ts';
import { errorStatus } from './model.ts';
import type { Members } from './model.ts';
import type { Pages } from './pages.ts';
import type { Policies } from './policies.ts';
import type { Random } from './random.ts';
import { shuffled } from './random.ts';
import type { ClientTokens } from './client-tokens.ts';
import type { SimulatedTime } from './simulated-time.ts';
import type { Caller, Reply, ServiceError } from './wire.ts';

/** The state that operations read and change. */
export interface World {
  readonly executions: Executions;
  readonly policies: Policies;
  readonly pages: Pages;
  readonly clientTokens: ClientTokens;
  readonly time: SimulatedTime;
  readonly random: Random;
  readonly choices: () => Choices;
}

/** The result of an operation: members of its output shape with instants in epoch milliseconds, or an error. */
export type Result = Omit<Reply, 'answer'> &
  ({ readonly output: Members } | { readonly error: ServiceError });
export type Operation = (input: Members, caller: Caller, world: World, view: View) => Result;

/** Returns an error of the model with the HTTP status that the model gives it. */
export function modelled(code: string, message: string): ServiceError {
  return { code, httpStatus: errorStatus(code), message };
}

export function rejected(code: string, message: string): Result {
  return { outcome: 'rejected', error: modelled(code, message) };
}

/** Returns the answer about an unknown resource. */
export function unknown(
  kind: UnknownIdAnswer,
  what: string,
  empty: Members,
): { readonly output: Members } | { readonly error: ServiceError } {
  const message = `${what} does not exist.`;
  switch (kind) {
    case 'invalid-request':
      return { error: modelled('InvalidRequestException', message) };
    case 'client-exception':
      return { error: modelled('ClientException', message) };
    case 'not-found':
      return { error: modelled('ResourceNotFoundException', message) };
    case 'empty':
      return { output: empty };
  }
}

export function unknownId(id: string, { choices }: World): Result {
  const answer = unknown(choices().unknownId, `The lifecycle execution '${id}'`, {});
  return { outcome: 'missing', executionId: id, ...answer };
}

export function badToken(): Result {
  return rejected('InvalidPaginationTokenException', 'The pagination token is not valid.');
}

/** Sorts items by an instant of each, in the chosen order. */
export function ordered<T>(
  items: readonly T[],
  at: (item: T) => number,
  { choices, random }: World,
): readonly T[] {
  switch (choices().listOrder) {
    case 'newest-first':
      return items.toSorted((a, b) => at(b) - at(a));
    case 'oldest-first':
      return items.toSorted((a, b) => at(a) - at(b));
    case 'random':
      return shuffled(items, random);
  }
}
