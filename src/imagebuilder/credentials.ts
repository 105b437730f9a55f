/** Credentials in the form that the SDK's clients accept. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

export interface Credentials {
  /** Returns credentials that are valid now. Rejects if there are none and none can be fetched. */
  get(): Promise<AwsCredentials>;
  /** Discards the present credentials because AWS refused them; the next `get` fetches new ones. */
  refuse(): void;
}

export interface CredentialsClock {
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Temporary credentials are renewed in the last third of their life, and in the last ten minutes of a long one. */
const RENEWED_SHARE = 1 / 3;
const RENEWED_BEFORE_MS = 600_000;
/** Credentials younger than this are not discarded: a new fetch would return the same, or the refusal has another reason. */
const FRESH_MS = 5000;
/** The pause after a failed renewal while the old credentials are still valid. */
const RETRY_MS = 10_000;
/**
 * The SDK's clients fetch again if credentials expire within five minutes. With this lifetime every call of a client comes
 * here, which costs one promise, and all clients get renewed credentials at the same time.
 */
const CLIENT_LIFETIME_MS = 60_000;

/**
 * Shares the credentials of one identity among all clients that use it. Fetches them once and renews them before they
 * expire, at a random moment so that identities do not all renew at once. If a renewal fails, the old credentials are used
 * until they expire.
 */
export function shareCredentials(
  provide: () => Promise<AwsCredentials>,
  { now, random }: CredentialsClock,
): Credentials {
  let present: AwsCredentials | undefined;
  let presentSince = -Infinity;
  let renewAt = -Infinity;
  let renewing: Promise<AwsCredentials> | undefined;

  async function renew(): Promise<AwsCredentials> {
    try {
      present = await provide();
      presentSince = now();
      renewAt = renewalOf(present);
      return present;
    } catch (error) {
      if (present === undefined || (present.expiration?.getTime() ?? Infinity) <= now()) throw error;
      renewAt = now() + RETRY_MS;
      return present;
    } finally {
      renewing = undefined;
    }
  }

  /** Returns a random instant in the first half of the renewal period. */
  function renewalOf({ expiration }: AwsCredentials): number {
    if (expiration === undefined) return Infinity;
    const endsAt = expiration.getTime();
    const beforeMs = Math.min(RENEWED_BEFORE_MS, (endsAt - now()) * RENEWED_SHARE);
    return endsAt - beforeMs * (1 - random() / 2);
  }

  return {
    async get() {
      const isValid = present !== undefined && now() < renewAt;
      const found = isValid ? present : await (renewing ??= renew());
      if (found === undefined) throw new Error('no credentials found');
      const clientExpiresAt = now() + CLIENT_LIFETIME_MS;
      const endsAt = found.expiration?.getTime() ?? Infinity;
      return { ...found, expiration: new Date(Math.min(endsAt, clientExpiresAt)) };
    },
    refuse() {
      if (now() - presentSince < FRESH_MS) return;
      present = undefined;
    },
  };
}
