import { ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import { STSClient } from '@aws-sdk/client-sts';

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export const REGION = 'eu-west-1';
export const ACCESS_KEY_ID = 'AKIDEXAMPLE';

/** The real SDK's clients for a simulator, without retries. */
export function sdkClients(url: string, keys: string | Keys = ACCESS_KEY_ID, region = REGION) {
  const config = {
    endpoint: url,
    region,
    maxAttempts: 1,
    credentials: typeof keys === 'string' ? { accessKeyId: keys, secretAccessKey: 'not-a-secret' } : keys,
  };
  const imagebuilder = new ImagebuilderClient(config);
  const sts = new STSClient(config);
  return {
    imagebuilder,
    sts,
    [Symbol.dispose]() {
      imagebuilder.destroy();
      sts.destroy();
    },
  };
}

/** An Authorization header of the right form; nobody verifies the signature itself. */
export function authorization({
  accessKeyId = ACCESS_KEY_ID,
  region = REGION,
  service = 'imagebuilder',
} = {}): string {
  const credential = `${accessKeyId}/20260102/${region}/${service}/aws4_request`;
  return `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`;
}

/** Where a GET asks for an execution. */
export function getUrl(url: string, id: string): string {
  return `${url}/GetLifecycleExecution?${new URLSearchParams({ lifecycleExecutionId: id }).toString()}`;
}

/** A signed GET for an execution, without the SDK. */
export function getRaw(url: string, id: string, region = REGION): Promise<Response> {
  return fetch(getUrl(url, id), { headers: { authorization: authorization({ region }) } });
}

/** A signed STS request, without the SDK. */
export function stsRaw(
  url: string,
  form: Record<string, string>,
  header = authorization({ service: 'sts' }),
) {
  return fetch(`${url}/`, {
    method: 'POST',
    headers: { authorization: header },
    body: new URLSearchParams(form),
  });
}
