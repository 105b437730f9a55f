import published from './model.json' with { type: 'json' };

/** A shape of the service's published model. */
export interface Shape {
  readonly type: string;
  readonly required?: readonly string[];
  readonly members?: Readonly<Record<string, Member>>;
  readonly member?: Reference;
  readonly key?: Reference;
  readonly value?: Reference;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly min?: number;
  readonly max?: number;
  readonly error?: { readonly httpStatusCode: number };
}

interface Reference {
  readonly shape: string;
}

interface Member extends Reference {
  readonly location?: string;
  readonly locationName?: string;
}

export interface ModelOperation {
  readonly name: string;
  readonly http: { readonly method: string; readonly requestUri: string };
  readonly input: Reference;
  readonly output: Reference;
  readonly errors: readonly Reference[];
}

interface Model {
  readonly metadata: { readonly signingName: string };
  readonly operations: Readonly<Record<string, ModelOperation>>;
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly errorShapes: Readonly<Record<string, Shape>>;
}

/** AWS's published model of EC2 Image Builder, version 2019-12-02: the lifecycle operations and all errors. */
export const model: Model = published;

export type Members = Readonly<Record<string, unknown>>;

export const operationNames = Object.keys(model.operations);

/** Throws if the model has no such operation. */
export function modelOperation(name: string): ModelOperation {
  return found(model.operations[name], name);
}

/** Throws if the model has no such shape. */
export function shapeOf(name: string): Shape {
  return found(model.shapes[name] ?? model.errorShapes[name], name);
}

/** Returns the HTTP status that the model gives an error. Throws if it gives none. */
export function errorStatus(code: string): number {
  return found(shapeOf(code).error, code).httpStatusCode;
}

/** Returns the path of the first member of `value` that breaks its shape, or undefined if there is none. */
export function violation(shapeName: string, value: unknown, path = ''): string | undefined {
  const shape = shapeOf(shapeName);
  switch (shape.type) {
    case 'structure':
      return structureViolation(shape, value, path);
    case 'list':
      return Array.isArray(value) && isWithin(value.length, shape)
        ? first(value, (item, index) => violation(elementOf(shape), item, `${path}[${index}]`))
        : path;
    case 'map':
      return isMembers(value) && isWithin(Object.keys(value).length, shape)
        ? first(Object.entries(value), (entry) => entryViolation(shape, entry, path))
        : path;
    case 'string':
      return typeof value === 'string' && isAllowedText(value, shape) ? undefined : path;
    case 'integer':
      return Number.isInteger(value) && isWithin(Number(value), shape) ? undefined : path;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : path;
    case 'timestamp':
      return typeof value === 'number' ? undefined : path;
    default:
      throw new Error(`${shapeName}: type ${shape.type} is not supported in requests`);
  }
}

/**
 * Converts `value` to its form on the wire, with instants (epoch milliseconds) as fractional seconds. Throws if the model lacks
 * a member.
 */
export function toWire(shapeName: string, value: unknown): unknown {
  return mapShape(shapeName, value, (_name, { type }, leaf) =>
    type === 'timestamp' ? Number(leaf) / 1000 : leaf,
  );
}

/**
 * Returns `value` with every string, number and boolean in it replaced. `replace` gets the name and the shape of each. If it
 * returns undefined, the member is left out. Throws if the model lacks a member.
 */
export function mapShape(
  shapeName: string,
  value: unknown,
  replace: (shapeName: string, shape: Shape, value: unknown) => unknown,
): unknown {
  const shape = shapeOf(shapeName);
  const shapeBelow = (name: string) =>
    shape.type === 'map' ? shape.value?.shape : shape.members?.[name]?.shape;
  if (isMembers(value)) {
    const members = Object.entries(value).flatMap(([name, member]) => {
      const mapped = mapShape(found(shapeBelow(name), `${shapeName}.${name}`), member, replace);
      return mapped === undefined ? [] : [[name, mapped] as const];
    });
    return Object.fromEntries(members);
  }
  if (shape.type === 'list' && Array.isArray(value)) {
    return value.map((item: unknown) => mapShape(elementOf(shape), item, replace));
  }
  return replace(shapeName, shape, value);
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function structureViolation(shape: Shape, value: unknown, path: string): string | undefined {
  if (!isMembers(value)) return path;
  const below = (name: string) => (path === '' ? name : `${path}.${name}`);
  const lacking = shape.required?.find((name) => value[name] === undefined);
  if (lacking !== undefined) return below(lacking);
  return first(Object.entries(shape.members ?? {}), ([name, member]) =>
    value[name] === undefined ? undefined : violation(member.shape, value[name], below(name)),
  );
}

function entryViolation({ key, value }: Shape, [name, member]: [string, unknown], path: string) {
  return (
    violation(found(key, 'key').shape, name, path) ??
    violation(found(value, 'value').shape, member, `${path}.${name}`)
  );
}

function isAllowedText(text: string, shape: Shape): boolean {
  const isOfPattern = shape.pattern === undefined || new RegExp(shape.pattern).test(text);
  return isOfPattern && isWithin(text.length, shape) && shape.enum?.includes(text) !== false;
}

function isWithin(size: number, { min = -Infinity, max = Infinity }: Shape): boolean {
  return size >= min && size <= max;
}

function elementOf(shape: Shape): string {
  return found(shape.member, 'element').shape;
}

function first<T>(
  items: readonly T[],
  test: (item: T, index: number) => string | undefined,
): string | undefined {
  for (const [index, item] of items.entries()) {
    const hit = test(item, index);
    if (hit !== undefined) return hit;
  }
  return undefined;
}

function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`the model has no ${name}`);
  return value;
}
