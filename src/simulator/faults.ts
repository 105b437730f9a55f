import { checkEffect } from './fault-effects.ts';
import type { FaultEffect } from './fault-effects.ts';
import { FAULT_NAMES, faultKind } from './named-faults.ts';
import type { FaultName } from './named-faults.ts';
import { operationNames } from './model.ts';
import type { Random } from './random.ts';
import { STS_OPERATIONS } from './sts-service.ts';
import type { WireForm } from './wire.ts';

/** Every operation that a fault can strike. */
export const OPERATIONS = [...operationNames, ...STS_OPERATIONS];

/** Which calls a fault strikes: those of which every given member is true. */
export interface FaultScope {
  readonly operation?: string;
  readonly executionId?: string;
  readonly accountId?: string;
  readonly region?: string;
  /** Only so many of them. Default: all. */
  readonly count?: number;
  /** Each of them with this chance. Default: 1. */
  readonly probability?: number;
  /** Only for so long after it was added. Default: until it is removed. */
  readonly forMs?: number;
}

/** A fault of the closed list. */
export interface NamedFault extends FaultScope {
  readonly name: FaultName;
  /** What the fault's description says; for those that have a time. */
  readonly seconds?: number;
  /** Where the code of an error stands. Default: where the simulator puts every code. */
  readonly wire?: WireForm;
}

export type Fault = NamedFault | (FaultEffect & FaultScope);

/** A fault as it was added. */
export interface ActiveFault {
  readonly id: string;
  readonly fault: Fault;
  /** How many calls it may still strike. */
  readonly left: number;
  /** Epoch milliseconds. */
  readonly endsAt: number;
}

/** A call, as far as faults look at it. */
export interface Strikable {
  readonly operation: string;
  readonly executionId: string | undefined;
  readonly accountId: string;
  readonly region: string;
}

export interface Struck {
  readonly name: string;
  readonly effect: FaultEffect;
  /** Counts the call as struck. */
  use(): void;
}

export interface Faults {
  /** The fault's own id. RangeError for a fault that does not exist, or could not be kept. */
  add(fault: Fault): string;
  /** False where there is no such fault any more. */
  remove(id: string): boolean;
  clear(): void;
  list(): readonly ActiveFault[];
  /** The fault that strikes a call: the first added one that applies. */
  find(call: Strikable): Struck | undefined;
}

interface Entry extends ActiveFault {
  readonly effect: FaultEffect;
  readonly isEvery: boolean;
  left: number;
}

/** `now` is the wall clock. */
export function createFaults(random: Random, now: () => number): Faults {
  const active: Entry[] = [];
  let added = 0;
  const remove = (id: string) => {
    const index = active.findIndex((entry) => entry.id === id);
    if (index >= 0) active.splice(index, 1);
    return index >= 0;
  };
  const dropEnded = () => {
    for (const { id } of active.filter(({ endsAt }) => endsAt <= now())) remove(id);
  };
  return {
    add(fault) {
      const { effect, isEvery } = checkFault(fault);
      const id = `fault-${++added}`;
      const endsAt = now() + (fault.forMs ?? Infinity);
      active.push({ id, fault, effect, isEvery, left: fault.count ?? Infinity, endsAt });
      return id;
    },
    remove,
    clear() {
      active.length = 0;
    },
    list() {
      dropEnded();
      return active.map(({ id, fault, left, endsAt }) => ({ id, fault, left, endsAt }));
    },
    find(call) {
      dropEnded();
      const struck = active.find(
        ({ fault, isEvery }) =>
          (isEvery || isImageBuilders(call.operation)) &&
          isInScope(fault, call) &&
          (fault.probability === undefined || random() < fault.probability),
      );
      if (struck === undefined) return undefined;
      return {
        name: 'name' in struck.fault ? struck.fault.name : struck.fault.kind,
        effect: struck.effect,
        use() {
          struck.left -= 1;
          if (struck.left <= 0) remove(struck.id);
        },
      };
    },
  };
}

function isInScope({ operation, executionId, accountId, region }: FaultScope, call: Strikable): boolean {
  return (
    (operation === undefined || operation === call.operation) &&
    (executionId === undefined || executionId === call.executionId) &&
    (accountId === undefined || accountId === call.accountId) &&
    (region === undefined || region === call.region)
  );
}

/** RangeError for a fault that does not exist, or could not be kept. */
export function checkFault(fault: Fault): { readonly effect: FaultEffect; readonly isEvery: boolean } {
  const resolved = resolve(fault);
  checkScope(fault, resolved.isEvery);
  checkEffect(resolved.effect);
  return resolved;
}

/** The effect of a fault, and whether it can strike every operation rather than Image Builder's alone. */
function resolve(fault: Fault): { readonly effect: FaultEffect; readonly isEvery: boolean } {
  if (!('name' in fault))
    return { effect: fault, isEvery: fault.kind !== 'rewrite' && fault.kind !== 'view' };
  const { name, seconds, wire } = fault;
  if (!FAULT_NAMES.includes(name)) throw new RangeError(`no fault is named ${name as string}`);
  const kind = faultKind(name);
  const { seconds: usual, isImageBuilders: isTheirs = false } = kind;
  if (seconds !== undefined && usual === undefined) throw new RangeError(`${name} takes no seconds`);
  if (seconds !== undefined && !(seconds >= 0)) throw new RangeError(`${name}: seconds is ${seconds}`);
  const effect = kind.effect(seconds ?? usual ?? 0);
  if (wire === undefined) return { effect, isEvery: !isTheirs };
  if (effect.kind !== 'error') throw new RangeError(`${name} has no error code, so it takes no wire`);
  return { effect: { ...effect, wire }, isEvery: !isTheirs };
}

function checkScope({ operation, count, probability, forMs }: FaultScope, isEvery: boolean): void {
  if (forMs !== undefined && !(forMs >= 0)) throw new RangeError(`forMs is ${forMs}`);
  if (count !== undefined && !(count >= 1)) throw new RangeError(`count is ${count}`);
  if (probability !== undefined && !(probability >= 0 && probability <= 1))
    throw new RangeError(`probability is ${probability}`);
  if (operation === undefined || isImageBuilders(operation)) return;
  if (!STS_OPERATIONS.includes(operation)) throw new RangeError(`no operation is named ${operation}`);
  if (!isEvery) throw new RangeError(`${operation} has no answer that this fault could alter`);
}

function isImageBuilders(operation: string): boolean {
  return operationNames.includes(operation);
}
