import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { expect, it } from 'vitest';
import { createAwsLookup } from '../../src/imagebuilder/aws-names.ts';
import { createAwsSockets } from '../../src/imagebuilder/aws-sockets.ts';
import { startSlowHandshakes } from '../support/slow-handshakes.ts';

it.each(['directly', 'through a proxy'])(
  'a name with IPv4 and IPv6 is reached %s over a line that takes a second to connect, without a route for IPv6',
  async (way) => {
    await using server = await startSlowHandshakes();
    const lookup = createAwsLookup(() =>
      Promise.resolve([
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ]),
    );
    const origin = `http://dual.example:${server.port}`;
    const sockets = createAwsSockets(way === 'directly' ? undefined : origin, lookup);
    const client = new STSClient({
      region: 'us-east-1',
      endpoint: origin,
      maxAttempts: 1,
      requestHandler: sockets.handler(5000),
      credentials: { accessKeyId: 'a', secretAccessKey: 's' },
    });
    const answer = client.send(new GetCallerIdentityCommand());
    if (way === 'directly') expect((await answer).$metadata.httpStatusCode).toBe(200);
    // The server is no proxy: it has been reached if it hangs up.
    else await expect(answer).rejects.toMatchObject({ code: 'PROXY_ECONNRESET' });
  },
);
