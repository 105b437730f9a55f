/** The account of every access key if there is no table of accounts, and of executions that name none. */
export const DEFAULT_ACCOUNT_ID = '123456789012';
/** The Region of executions that name none. */
export const DEFAULT_REGION = 'us-east-1';

/** An account and a Region. Ids are unique only within them. */
export interface Place {
  readonly accountId: string;
  readonly region: string;
}

export function placeOf({ accountId = DEFAULT_ACCOUNT_ID, region = DEFAULT_REGION }: Partial<Place>): Place {
  return { accountId, region };
}

/** Returns a map key for an id in a place. */
export function keyOf(id: string, { accountId, region }: Place): string {
  return `${accountId}/${region}/${id}`;
}

export function policyArnOf(name: string, { accountId, region }: Place): string {
  return `arn:aws:imagebuilder:${region}:${accountId}:lifecycle-policy/${name}`;
}
