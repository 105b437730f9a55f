import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { code, pageText, table } from './doc-page.ts';

const run = promisify(execFile);

interface Listed {
  readonly name: string;
  readonly description: string;
  readonly help: string;
}

/** Prints each command with its help. A process of its own prints in 80 columns, and keeps the signals that commands handle. */
const PRINT_COMMANDS = `
  import { createProgram } from '${new URL('../../src/commands/program.ts', import.meta.url).href}';
  const { commands } = await createProgram();
  const listed = commands.map((command) => {
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    return { name: command.name(), description: command.description(), help: help.trimEnd() };
  });
  process.stdout.write(JSON.stringify(listed));
  process.exit();
`;

async function listCommands(): Promise<readonly Listed[]> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', PRINT_COMMANDS]);
  return JSON.parse(stdout) as readonly Listed[];
}

const overviewText = (commands: readonly Listed[]) =>
  table(
    ['command', 'does'],
    commands.map(({ name, description }) => [`[${code(name)}](#${name})`, description]),
  );

const helpsText = (commands: readonly Listed[]) =>
  commands.map(({ name, help }) => `### ${name}\n\n\`\`\`text\n${help}\n\`\`\``).join('\n\n');

/** Returns `docs/cli.md` with the help texts as the commands print them. */
export async function cliPageText(): Promise<string> {
  const commands = await listCommands();
  return pageText('docs/cli.md', {
    commands: () => overviewText(commands),
    helps: () => helpsText(commands),
  });
}
