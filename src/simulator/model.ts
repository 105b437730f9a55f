import published from './model.json' with { type: 'json' };

/** A shape of the service's published model. */
export interface Shape {
  readonly type: string;
  readonly required?: readonly string[];
  readonly members?: Readonly<Record<string, Member>>;
  readonly member?: Reference;
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

/** What AWS publishes of EC2 Image Builder, version 2019-12-02: the lifecycle operations and all errors. */
export const model: Model = published;

export type Members = Readonly<Record<string, unknown>>;

/** Throws where the model has no such operation. */
export function modelOperation(name: string): ModelOperation {
  return found(model.operations[name], name);
}

/** Throws where the model has no such shape. */
export function shapeOf(name: string): Shape {
  return found(model.shapes[name] ?? model.errorShapes[name], name);
}

/** The HTTP status that the model gives an error. Throws where it has none. */
export function errorStatus(code: string): number {
  return found(shapeOf(code).error, code).httpStatusCode;
}

/** Names the first member of `value` that breaks its shape; undefined where none does. */
export function violation(shapeName: string, value: unknown, path = ''): string | undefined {
  const shape = shapeOf(shapeName);
  switch (shape.type) {
    case 'structure':
      return structureViolation(shape, value, path);
    case 'list':
      return Array.isArray(value) && isWithin(value.length, shape)
        ? first(value, (item, index) => violation(elementOf(shape), item, `${path}[${index}]`))
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

/** `value` as the wire has it: only members of the model, instants (epoch milliseconds) as seconds with a fraction. */
export function toWire(shapeName: string, value: unknown): unknown {
  const shape = shapeOf(shapeName);
  if (shape.type === 'structure' && isMembers(value)) {
    const encoded = Object.entries(value).map(([name, member]) => {
      const { shape: memberShape } = found(shape.members?.[name], `${shapeName}.${name}`);
      return [name, toWire(memberShape, member)] as const;
    });
    return Object.fromEntries(encoded);
  }
  if (shape.type === 'list' && Array.isArray(value)) {
    return value.map((item: unknown) => toWire(elementOf(shape), item));
  }
  return shape.type === 'timestamp' ? Number(value) / 1000 : value;
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
