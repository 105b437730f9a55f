/** As the SDK's clients take them. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

export interface Credentials {
  /** Those that are good now. Rejects where there are none and none can be had. */
  get(): Promise<AwsCredentials>;
  /** AWS does not take the present ones: the next call asks for new ones. */
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
/** Whoever got them this lately would get the same again, or is refused for another reason. */
const FRESH_MS = 5000;
/** A renewal that failed is tried again so much later, while the old ones are good. */
const RETRY_MS = 10_000;
/** Clients ask anew where credentials end within five minutes: so each call of theirs comes here, and costs a promise. */
const CLIENT_KEEPS_MS = 60_000;

/**
 * Credentials of one identity, shared by all clients that act as it: asked for once, and renewed before they end, at a
 * moment that differs from that of other identities. Where a renewal fails the old ones are used until their end.
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

  /** In the first half of the time in which they are to be renewed. */
  function renewalOf({ expiration }: AwsCredentials): number {
    if (expiration === undefined) return Infinity;
    const endsAt = expiration.getTime();
    const beforeMs = Math.min(RENEWED_BEFORE_MS, (endsAt - now()) * RENEWED_SHARE);
    return endsAt - beforeMs * (1 - random() / 2);
  }

  return {
    async get() {
      const isGood = present !== undefined && now() < renewAt;
      const found = isGood ? present : await (renewing ??= renew());
      if (found === undefined) throw new Error('there are no credentials');
      const clientKeepsUntil = now() + CLIENT_KEEPS_MS;
      const endsAt = found.expiration?.getTime() ?? Infinity;
      return { ...found, expiration: new Date(Math.min(endsAt, clientKeepsUntil)) };
    },
    refuse() {
      if (now() - presentSince < FRESH_MS) return;
      present = undefined;
    },
  };
}
