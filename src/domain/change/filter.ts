import type { Labels } from '../execution/execution.ts';

/** Which events an endpoint gets. Every filter that is given must match. */
export interface EventFilter {
  /** Globs over short event names. */
  readonly events: readonly string[];
  /** Globs over target names. */
  readonly targets?: readonly string[];
  /** Globs over policy ARNs; an execution without a policy matches none. */
  readonly policies?: readonly string[];
  /** Each key must be present and its value match the glob. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** What of an event filters look at. */
export interface Filterable {
  readonly type: string;
  readonly targetName: string;
  readonly lifecyclePolicyArn?: string | undefined;
  readonly labels: Labels;
}

/**
 * Whether `text` matches `glob`, in which `*` stands for any characters, none included, and everything else for itself.
 * Linear in the text for each star: a pattern cannot be made slow.
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

/** Whether an event passes a filter. */
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
