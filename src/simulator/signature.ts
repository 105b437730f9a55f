import type { IncomingHttpHeaders } from 'node:http';

/** The parts of a request that may hold its signature. */
interface Signed {
  readonly headers: IncomingHttpHeaders;
  readonly query: URLSearchParams;
}

/** The claims of a signed request: its access key, Region and service. */
export interface Credential {
  readonly accessKeyId: string;
  readonly region: string;
  readonly service: string;
}

/** The reason why a request is refused before its input is read. */
export type Refusal = 'unsigned' | 'malformed' | 'unknown-key' | 'wrong-token' | 'expired' | 'wrong-service';

const SIGV4 =
  /^AWS4-HMAC-SHA256 Credential=(?<accessKeyId>\w{3,128})\/\d{8}\/(?<region>[a-z0-9-]{1,64})\/(?<service>[a-z0-9-]{1,64})\/aws4_request,\s*SignedHeaders=[a-z0-9;_-]+,\s*Signature=[0-9a-f]{64}$/;

/**
 * Reads a signature of Version 4 from the Authorization header, or from the query of a presigned request. It is not verified,
 * because the simulator knows no secrets. Format: AWS, "Create a signed AWS API request".
 */
export function readSignature({ headers, query }: Signed): Credential | 'unsigned' | 'malformed' {
  const authorization = headers.authorization ?? presigned(query);
  if (authorization === '') return 'unsigned';
  const { accessKeyId, region, service } = SIGV4.exec(authorization)?.groups ?? {};
  if (accessKeyId === undefined || region === undefined || service === undefined) return 'malformed';
  return { accessKeyId, region, service };
}

/** Returns the signature in a query as it would be in the header; empty if there is none. */
function presigned(query: URLSearchParams): string {
  const given = (name: string) => query.get(`X-Amz-${name}`) ?? '';
  if (given('Signature') === '') return '';
  return `${given('Algorithm')} Credential=${given('Credential')}, SignedHeaders=${given('SignedHeaders')}, Signature=${given('Signature')}`;
}

/** Returns the session token that comes with temporary credentials. */
export function sessionTokenOf({ headers, query }: Signed): string | undefined {
  return headers['x-amz-security-token']?.toString() ?? query.get('X-Amz-Security-Token') ?? undefined;
}
