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

/** The calls that a fault strikes. All members that are present must match. */
export interface FaultScope {
  readonly operation?: string;
  readonly executionId?: string;
  readonly accountId?: string;
  readonly region?: string;
  /** The most calls that the fault strikes. Default: no limit. */
  readonly count?: number;
  /** The chance for each matching call. Default: 1. */
  readonly probability?: number;
  /** The fault ends this long after it was added. Default: when it is removed. */
  readonly forMs?: number;
}

/** A fault from the list of named faults. */
export interface NamedFault extends FaultScope {
  readonly name: FaultName;
  /** As the fault's description says. Only some faults take it. */
  readonly seconds?: number;
  /** The place of an error's code in the response. Default: the place that was chosen for all codes. */
  readonly wire?: WireForm;
}

export type Fault = NamedFault | (FaultEffect & FaultScope);

/** A fault as it was added. */
export interface ActiveFault {
  readonly id: string;
  readonly fault: Fault;
  /** The number of calls that it may still strike. */
  readonly left: number;
  /** Epoch milliseconds. */
  readonly endsAt: number;
}

/** The members of a call that faults can match. */
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
  /** Returns the fault's id. Throws a RangeError if the fault does not exist or its members are out of range. */
  add(fault: Fault): string;
  /** Returns false if there is no such fault, or no longer. */
  remove(id: string): boolean;
  clear(): void;
  list(): readonly ActiveFault[];
  /** Returns the fault that strikes a call: of the faults that apply, the one added first. */
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

/** Throws a RangeError if the fault does not exist or its members are out of range. */
export function checkFault(fault: Fault): { readonly effect: FaultEffect; readonly isEvery: boolean } {
  const resolved = resolve(fault);
  checkScope(fault, resolved.isEvery);
  checkEffect(resolved.effect);
  return resolved;
}

/** Returns the effect of a fault. `isEvery` is true if it can strike every operation, and false if only Image Builder's. */
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
