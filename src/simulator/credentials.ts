import { randomBytes } from 'node:crypto';
import { DEFAULT_ACCOUNT_ID } from './place.ts';
import { readSignature, sessionTokenOf } from './signature.ts';
import type { Refusal } from './signature.ts';
import type { Caller, Request } from './wire.ts';

/** A role that callers may assume. Its ARN contains the account. */
export interface Role {
  readonly arn: string;
  /** A caller with another external id, or none, is denied. Default: none is needed. */
  readonly externalId?: string;
  /** The lifetime of its credentials. Default: `sessionMs` of the simulator, else as the caller asks. */
  readonly sessionMs?: number;
}

/** Temporary credentials that were issued. */
export interface Session {
  readonly accessKeyId: string;
  readonly roleArn: string;
  /** The RoleSessionName. */
  readonly name: string;
  /** Epoch milliseconds. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export interface SessionRequest {
  readonly roleArn: string;
  readonly name: string;
  readonly externalId: string | undefined;
  readonly askedMs: number;
}

export interface Issued extends Session {
  readonly secretAccessKey: string;
  readonly token: string;
}

export interface CredentialsOptions {
  /** Accounts by access key. If undefined, every key belongs to the default account. */
  readonly accounts: Readonly<Record<string, string>> | undefined;
  /** If undefined, every role may be assumed. */
  readonly roles: readonly Role[] | undefined;
  readonly sessionMs: number | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export const ROLE_ARN = /^arn:(aws[a-z-]*):iam::(\d{12}):role\/(?:[\w+=,.@-]+\/)*([\w+=,.@-]{1,64})$/;
/**
 * The prefix of the simulator's temporary access keys; AWS's own begin with ASIA. It keeps a key of another simulator from
 * being taken for a user's.
 */
const KEY_PREFIX = 'ASIASIM';
/** Beyond this number the oldest sessions are forgotten. */
const MOST_SESSIONS = 10_000;

/** The caller of a request as far as it is known, and the reason if the request is refused. */
export interface Identified {
  readonly caller: Caller;
  readonly refusal?: Refusal | undefined;
}

const NOBODY: Caller = { accessKeyId: '', accountId: '', region: '', arn: '' };

/** The callers that are accepted: access keys of users, roles, and the temporary credentials issued for roles. */
export class Credentials {
  readonly #options: CredentialsOptions;
  readonly #sessions = new Map<string, Issued>();
  /** Undefined if every role may be assumed. */
  readonly #roles: ReadonlyMap<string, Role> | undefined;

  /** Throws a RangeError if a role is broken. */
  constructor(options: CredentialsOptions) {
    options.roles?.forEach(checkRole);
    this.#options = options;
    this.#roles = options.roles && new Map(options.roles.map((role) => [role.arn, role]));
  }

  identify(request: Request, signingName: string): Identified {
    const credential = readSignature(request);
    if (typeof credential === 'string') return { caller: NOBODY, refusal: credential };
    const { accessKeyId, region, service } = credential;
    const caller = { ...NOBODY, accessKeyId, region };
    if (service !== signingName) return { caller, refusal: 'wrong-service' };
    return this.#identifyKey(caller, sessionTokenOf(request));
  }

  #identifyKey(caller: Caller, token: string | undefined): Identified {
    const session = this.#sessions.get(caller.accessKeyId);
    if (session !== undefined) {
      if (token !== session.token) return { caller, refusal: 'wrong-token' };
      const assumed = { ...caller, accountId: accountOf(session.roleArn), arn: sessionArn(session) };
      return { caller: assumed, refusal: session.expiresAt <= this.#options.now() ? 'expired' : undefined };
    }
    const accountId = accountOfKey(caller.accessKeyId, this.#options.accounts);
    if (accountId === undefined) return { caller, refusal: 'unknown-key' };
    return { caller: { ...caller, accountId, arn: `arn:aws:iam::${accountId}:user/simulated` } };
  }

  /** Issues credentials for a role. Returns undefined if the caller may not assume it. */
  assume({ roleArn, name, externalId, askedMs }: SessionRequest): Issued | undefined {
    const { sessionMs, now } = this.#options;
    const role: Role | undefined = this.#roles === undefined ? { arn: roleArn } : this.#roles.get(roleArn);
    if (role === undefined) return undefined;
    if (role.externalId !== undefined && role.externalId !== externalId) return undefined;
    const issued: Issued = {
      accessKeyId: KEY_PREFIX + randomBytes(7).toString('hex').toUpperCase().slice(0, 13),
      secretAccessKey: randomBytes(30).toString('base64'),
      token: randomBytes(90).toString('base64'),
      roleArn,
      name,
      issuedAt: now(),
      expiresAt: now() + (role.sessionMs ?? sessionMs ?? askedMs),
    };
    this.#sessions.set(issued.accessKeyId, issued);
    if (this.#sessions.size > MOST_SESSIONS) this.#sessions.delete(this.#sessions.keys().next().value ?? '');
    return issued;
  }

  /** Expires all credentials that were issued so far. */
  expireSessions(): void {
    const now = this.#options.now();
    for (const [key, session] of this.#sessions)
      this.#sessions.set(key, { ...session, expiresAt: Math.min(session.expiresAt, now) });
  }

  sessions(): readonly Session[] {
    return Array.from(this.#sessions.values(), ({ accessKeyId, roleArn, name, issuedAt, expiresAt }) => ({
      accessKeyId,
      roleArn,
      name,
      issuedAt,
      expiresAt,
    }));
  }
}

/** Returns the ARN of an assumed role's session, as in the answer of GetCallerIdentity. */
export function sessionArn({ roleArn, name }: Pick<Session, 'roleArn' | 'name'>): string {
  const [, partition = '', accountId = '', roleName = ''] = ROLE_ARN.exec(roleArn) ?? [];
  return `arn:${partition}:sts::${accountId}:assumed-role/${roleName}/${name}`;
}

function accountOf(roleArn: string): string {
  return ROLE_ARN.exec(roleArn)?.[2] ?? '';
}

function accountOfKey(key: string, accounts: CredentialsOptions['accounts']): string | undefined {
  if (key.startsWith(KEY_PREFIX)) return undefined;
  if (accounts === undefined) return DEFAULT_ACCOUNT_ID;
  return Object.hasOwn(accounts, key) ? accounts[key] : undefined;
}

function checkRole({ arn, sessionMs = 0 }: Role): void {
  if (!ROLE_ARN.test(arn)) throw new RangeError(`not a role's ARN: ${arn}`);
  if (!(sessionMs >= 0)) throw new RangeError(`${arn}: sessionMs is ${sessionMs}`);
}
