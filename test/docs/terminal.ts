import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, vi } from 'vitest';

export interface Typed {
  /** Everything that was shown meanwhile, on standard output and standard error. */
  readonly output: string;
  /** The commands that did not end with 0, each after its exit code: `4 lifecycle-watcher track …`. */
  readonly failures: readonly string[];
}

const FAILED = '=failed=';
/** Not the line that sources the file of commands, which ends with the code of the last of them. */
const failedLines = /=failed= (\d+ (?!\. ).*)\n/g;
const DONE = '=done=';
/** Terminals send it for Ctrl-C. */
const INTERRUPT = '\u0003';
const LIMIT_MS = 120_000;
const POLL_MS = 20;
/** Without the prompt and the echo only what commands print is shown. Typing ahead survives Ctrl-C. */
const PREPARE = `PS1= PS2=; stty -echo noflsh; set -E; trap 'echo "${FAILED} $? $BASH_COMMAND"' ERR\n`;

/** Opens a terminal with a shell, as a reader of the documents has it. Needs `script` of util-linux. */
export function openTerminal(directory: string, env: NodeJS.ProcessEnv) {
  const shell = 'bash --noprofile --norc --noediting -i';
  const child = spawn('script', ['--quiet', '--return', '--command', shell, '/dev/null'], {
    cwd: directory,
    env: { ...env, TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let sent = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (sent += text));
  /** Returns what is shown since the terminal had received `from` characters. */
  const shown = (from: number) => stripVTControlCharacters(sent.slice(from)).replaceAll(/\r\n?/g, '\n');
  let typed = 0;
  child.stdin.write(PREPARE);

  /** Waits until something is shown that matches. */
  const sees = (pattern: RegExp, from: number) =>
    vi.waitFor(() => expect(shown(from)).toMatch(pattern), { timeout: LIMIT_MS, interval: POLL_MS });

  return {
    /**
     * Runs the commands and waits for their end. If `interruptAt` is given, Ctrl-C is typed as soon as something is shown that
     * matches it.
     */
    async type(commands: string, interruptAt?: RegExp): Promise<Typed> {
      typed += 1;
      const from = sent.length;
      // Sourced from a file, so that a command that reads the terminal does not take those that follow.
      const file = join(directory, `typed-${typed}.sh`);
      await writeFile(file, commands);
      child.stdin.write(`. ${file}\n`);
      if (interruptAt !== undefined) {
        await sees(interruptAt, from);
        child.stdin.write(INTERRUPT);
      }
      const mark = `${DONE} ${typed}`;
      child.stdin.write(`echo "${mark}"\n`);
      await sees(new RegExp(`${mark}$`, 'm'), from);
      const text = shown(from).replace(`${mark}\n`, '');
      return {
        output: text.replaceAll(/=failed= .*\n/g, ''),
        failures: Array.from(text.matchAll(failedLines), ([, failure = '']) => failure),
      };
    },
    /** Ends all background commands and the shell. */
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      const closed = once(child, 'close');
      child.stdin.write('trap - ERR; kill $(jobs -p) 2>/dev/null; wait; exit\n');
      await closed;
    },
  };
}

export type Terminal = ReturnType<typeof openTerminal>;
