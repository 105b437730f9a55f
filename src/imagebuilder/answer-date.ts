import type { ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import type { STSClient } from '@aws-sdk/client-sts';
import { z } from 'zod';

/** An output or error of the SDK that comes from an HTTP response with a `Date`. */
const Answered = z.object({ $response: z.object({ headers: z.object({ date: z.string() }) }) });

/** Keeps the HTTP response with each good answer of a client, under the name that the SDK itself uses with its errors. */
export function keepResponses({ middlewareStack }: ImagebuilderClient | STSClient): void {
  const stack = middlewareStack as ImagebuilderClient['middlewareStack'];
  stack.add(
    (next) => async (args) => {
      const result = await next(args);
      Object.defineProperty(result.output, '$response', { value: result.response });
      return result;
    },
    // The outermost middleware of this step also sees what the response was parsed to.
    { step: 'deserialize', priority: 'high', name: 'keepResponses' },
  );
}

/**
 * Returns the `Date` header of the response that an output or an error of the SDK comes from, in epoch milliseconds. Returns
 * undefined if there was no response, or no `Date` in the one form that RFC 9110 (section 5.6.7) lets a server send.
 */
export function answerDateOf(outputOrError: unknown): number | undefined {
  const { data } = Answered.safeParse(outputOrError);
  return data && parseDate(data.$response.headers.date);
}

/** JavaScript writes instants in that form, so a text is in it if it is written the same again. */
function parseDate(text: string): number | undefined {
  const at = new Date(text);
  return Number.isFinite(at.getTime()) && at.toUTCString() === text ? at.getTime() : undefined;
}
