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
 * Reads an Authorization header of Signature Version 4. The signature itself is not verified, because the simulator knows no
 * secrets. Format: AWS, "Create a signed AWS API request".
 */
export function readSignature(authorization: string | undefined): Credential | 'unsigned' | 'malformed' {
  if (authorization === undefined || authorization === '') return 'unsigned';
  const { accessKeyId, region, service } = SIGV4.exec(authorization)?.groups ?? {};
  if (accessKeyId === undefined || region === undefined || service === undefined) return 'malformed';
  return { accessKeyId, region, service };
}
