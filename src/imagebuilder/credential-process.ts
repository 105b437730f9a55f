import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { externalDataInterceptor } from '@smithy/core/config';
import { z } from 'zod';

/** The time limit of a `credential_process`. Single sign-on may take a while, but nobody waits for longer. */
const LIMIT_MS = 60_000;
/** A process group can be ended whole. With a terminal the process stays in our group, so that it can ask there for a code. */
const IS_GROUP = !process.stdin.isTTY;

const Output = z.looseObject({ Expiration: z.string() });

/**
 * Runs the command of a `credential_process` and returns its output. Ends it, and whatever it has started, after `limitMs`.
 * Errors contain neither the command nor its output, because both may hold secrets.
 */
export async function runCredentialProcess(
  command: string,
  limitMs = LIMIT_MS,
): Promise<{ readonly stdout: string }> {
  const child = spawn(command, { shell: true, detached: IS_GROUP, stdio: ['ignore', 'pipe', 'ignore'] });
  const limit = { isOver: false };
  const timer = setTimeout(() => {
    limit.isOver = true;
    child.stdout.destroy(); // a process that has left the group may still hold the other end
    end(child);
  }, limitMs);
  letExit(child, timer);
  try {
    const [stdout] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    if (child.exitCode === 0) return { stdout: withoutPastExpiration(stdout) };
    const reason = child.signalCode ?? `exit code ${child.exitCode}`;
    throw new Error(`credential_process ended with ${reason}`);
  } catch (error) {
    throw limit.isOver ? new Error(`credential_process did not end within ${limitMs} ms`) : error;
  } finally {
    clearTimeout(timer);
  }
}

function end(child: ChildProcess): void {
  if (!IS_GROUP || child.pid === undefined) {
    child.kill('SIGKILL');
    return;
  }
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error; // it has ended
  }
}

/** Lets this program exit while the process is running. */
function letExit(child: ChildProcess, timer: NodeJS.Timeout): void {
  child.unref();
  timer.unref();
  if (child.stdout instanceof Socket) child.stdout.unref();
}

/** The SDK refuses credentials that seem to have expired. AWS is a better judge than our clock. */
function withoutPastExpiration(stdout: string): string {
  try {
    const { Expiration: expiration, ...rest } = Output.parse(JSON.parse(stdout));
    return Date.parse(expiration) > Date.now() ? stdout : JSON.stringify(rest);
  } catch {
    return stdout; // the SDK reports what is wrong with it
  }
}

/**
 * Makes the SDK run each `credential_process` by `runCredentialProcess`, because it would wait for ever for one that hangs. It
 * has no option for this, only the hook by which its own tests replace `exec`.
 */
export function limitCredentialProcesses(): void {
  const exec = () => {
    throw new Error('is only called as a promise');
  };
  externalDataInterceptor.getTokenRecord()['exec'] = Object.assign(exec, {
    [promisify.custom]: (command: string) => runCredentialProcess(command),
  });
}
