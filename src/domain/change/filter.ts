import type { Labels } from '../execution/execution.ts';

/** Selects the events that an endpoint receives. Every given filter must match. */
export interface EventFilter {
  /** Globs over short event names. */
  readonly events: readonly string[];
  /** Globs over target names. */
  readonly targets?: readonly string[];
  /** Globs over policy ARNs; an execution without a policy matches none. */
  readonly policies?: readonly string[];
  /** Each label must be present with a value that matches the glob. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** The members of an event that filters examine. */
export interface Filterable {
  readonly type: string;
  readonly targetName: string;
  readonly lifecyclePolicyArn?: string | undefined;
  readonly labels: Labels;
}

/**
 * Reports whether `text` matches `glob`. A `*` matches any number of characters, including none; every other character
 * matches itself. Takes linear time for each star, so that no pattern is slow.
 */
export function matchesGlob(glob: string, text: string): boolean {
  const [head = '', ...rest] = glob.split('*');
  if (rest.length === 0) return glob === text;
  const tail = rest.pop() ?? '';
  if (!text.startsWith(head) || text.length < head.length + tail.length || !text.endsWith(tail)) return false;
  let from = head.length;
  const end = text.length - tail.length;
  for (const part of rest) {
    const at = text.indexOf(part, from);
    if (at === -1 || at + part.length > end) return false;
    from = at + part.length;
  }
  return true;
}

const matchesAny = (globs: readonly string[], text: string) => globs.some((glob) => matchesGlob(glob, text));

/** Reports whether an event matches a filter. */
export function matchesFilter(filter: EventFilter, event: Filterable): boolean {
  const { targets, policies, labels } = filter;
  const arn = event.lifecyclePolicyArn;
  return (
    matchesAny(filter.events, event.type) &&
    (targets === undefined || matchesAny(targets, event.targetName)) &&
    (policies === undefined || (arn !== undefined && matchesAny(policies, arn))) &&
    Object.entries(labels ?? {}).every(([key, glob]) => {
      const value = Object.hasOwn(event.labels, key) ? event.labels[key] : undefined;
      return value !== undefined && matchesGlob(glob, value);
    })
  );
}
