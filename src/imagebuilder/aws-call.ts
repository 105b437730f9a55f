import type { Operation } from '../domain/call/operation.ts';
import type { CallFailure, CallResult } from '../domain/call/outcome.ts';
import { linkSignals, untilAborted } from '../runtime/abort.ts';
import type { Clock } from '../runtime/clock.ts';
import { defined } from '../runtime/defined.ts';
import { answerDateOf } from './answer-date.ts';
import { toFailure } from './aws-failure.ts';
import type { Times } from './aws-responses.ts';
import { CredentialsError } from './credentials.ts';
import type { Credentials } from './credentials.ts';

export interface AwsCallParts {
  readonly clock: Clock;
  readonly credentials: Pick<Credentials, 'refuse'>;
  readonly timeoutMs: number;
}

/** One request through the SDK, and the conversion of its response. */
export interface AwsCall<R, T> {
  readonly operation: Operation;
  readonly send: (abortSignal: AbortSignal) => Promise<R>;
  readonly read: (response: R, times: Times) => CallResult<T>;
}

/**
 * Makes one call, ends it after `timeoutMs` or if `signal` aborts, and converts its response or error. Never rejects. If AWS
 * refuses the credentials, the next call fetches new ones.
 */
export async function makeAwsCall<R, T>(
  { operation, send, read }: AwsCall<R, T>,
  { clock, credentials, timeoutMs }: AwsCallParts,
  signal: AbortSignal | undefined,
): Promise<CallResult<T>> {
  using linked = linkSignals([signal], timeoutMs);
  const sent = { sentAt: clock.now(), sentTick: clock.monotonicNow() };
  try {
    // The SDK reacts to an abort only while a request is in flight, not while it waits for credentials.
    const response = await untilAborted(send(linked.signal), linked.signal);
    const dated = defined({ answerDate: answerDateOf(response) });
    const times = { ...sent, answeredAt: clock.now(), answeredTick: clock.monotonicNow(), ...dated };
    return { ...read(response, times), ...dated };
  } catch (error) {
    if (linked.hasTimedOut) return connectionFailure('TimeoutError', `no answer within ${timeoutMs} ms`);
    if (linked.signal.aborted) return connectionFailure('AbortError', 'the call was aborted');
    if (error instanceof CredentialsError) return error.failure;
    const failure = toFailure(error, operation, clock.now());
    if (failure.trouble === 'credentials') credentials.refuse();
    return { ...failure, ...defined({ answerDate: answerDateOf(error) }) };
  }
}

function connectionFailure(code: string, message: string): CallFailure {
  return { outcome: 'unavailable', trouble: 'connection', code, message };
}
