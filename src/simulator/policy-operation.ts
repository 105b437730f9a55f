import { defined } from './defined.ts';
import { isMembers } from './model.ts';
import type { Members } from './model.ts';
import { badToken, ordered, rejected } from './operations.ts';
import type { Operation } from './operations.ts';
import type { PolicyNow } from './policies.ts';

/** The filters that AWS's documentation lists for policies. */
const FILTERS: Readonly<Record<string, (policy: PolicyNow) => string>> = {
  name: ({ name }) => name,
  status: ({ status }) => status,
};

/**
 * Lists the policies that match every filter with one of its values. Two guesses: the names of filters ignore case, and an
 * unknown name is an InvalidRequestException.
 */
export const listLifecyclePolicies: Operation = (input, caller, world) => {
  const filters = (Array.isArray(input.filters) ? input.filters : []).filter(isMembers);
  const strange = filters.find(({ name }) => !Object.hasOwn(FILTERS, String(name).toLowerCase()));
  if (strange !== undefined) {
    return rejected('InvalidRequestException', `There is no filter '${String(strange.name)}'.`);
  }
  const listed = world.policies.listed(caller);
  const all = () => {
    const matching = listed.filter((policy) => filters.every((filter) => matches(policy, filter)));
    return ordered(matching, ({ createdAt }) => createdAt, world).map(({ arn }) => arn);
  };
  const page = world.pages.page('ListLifecyclePolicies', input, caller, all);
  if (page === undefined) return badToken();
  const byArn = new Map(listed.map((policy) => [policy.arn, policy]));
  const shown = page.items.flatMap((arn) => byArn.get(arn) ?? []);
  return {
    outcome: 'ok',
    output: defined({ lifecyclePolicySummaryList: shown.map(membersOf), nextToken: page.nextToken }),
  };
};

function matches(policy: PolicyNow, { name, values }: Members): boolean {
  const actual = FILTERS[String(name).toLowerCase()]?.(policy);
  return Array.isArray(values) && values.includes(actual);
}

function membersOf(policy: PolicyNow): Members {
  const { arn, name, status, resourceType, description, tags, accountId, createdAt, lastRunAt } = policy;
  return defined({
    arn,
    name,
    description,
    status,
    executionRole: `arn:aws:iam::${accountId}:role/simulated-lifecycle`,
    resourceType,
    dateCreated: createdAt,
    dateUpdated: createdAt,
    dateLastRun: lastRunAt,
    tags,
  });
}
