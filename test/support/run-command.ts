import { CommanderError } from 'commander';
import type { Command } from 'commander';
import { vi } from 'vitest';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Runs a command as `main` does, but in this process, and returns its exit code and output. */
export async function runCommand(command: Command, args: readonly string[]): Promise<CommandResult> {
  const output = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      output[name] += String(text);
      return true;
    }),
  );
  const listening = new Map(SIGNALS.map((name) => [name, process.listeners(name)]));
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await command.exitOverride().parseAsync(args, { from: 'user' });
    return { code: process.exitCode, ...output };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { code: error.exitCode === 0 ? 0 : 2, ...output };
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
    for (const name of SIGNALS)
      for (const listener of process.listeners(name))
        if (listening.get(name)?.includes(listener) !== true) process.off(name, listener);
  }
}
