import { CredentialsError } from './credentials.ts';
import type { AwsCredentials } from './credentials.ts';

/**
 * Credentials that are used only with the access key that STS has identified last, because another may belong to another
 * account. Before the first is identified, any may be used; always if `isPinned`, because the ARN of a role pins the account.
 */
export class IdentifiedCredentials {
  readonly #get: () => Promise<AwsCredentials>;
  readonly #isPinned: boolean;
  #asked: string | undefined;
  #identified: string | undefined;

  constructor(get: () => Promise<AwsCredentials>, isPinned: boolean) {
    this.#get = get;
    this.#isPinned = isPinned;
  }

  /** Returns the credentials that STS is about to identify. */
  async toIdentify(): Promise<AwsCredentials> {
    const credentials = await this.#get();
    this.#asked = credentials.accessKeyId;
    return credentials;
  }

  /** Must be called when STS has identified them. */
  noteIdentified(): void {
    this.#identified = this.#asked;
  }

  /** Returns the credentials for any other call. Rejects with `CredentialsError` if others were identified. */
  async toCall(): Promise<AwsCredentials> {
    const credentials = await this.#get();
    const { accessKeyId } = credentials;
    if (this.#isPinned || (this.#identified ?? accessKeyId) === accessKeyId) return credentials;
    throw new CredentialsError({
      outcome: 'denied',
      trouble: 'credentials',
      code: 'CredentialsChanged',
      message: 'the credentials have changed, and their account is not confirmed yet',
      isUnconfirmed: true,
    });
  }
}
