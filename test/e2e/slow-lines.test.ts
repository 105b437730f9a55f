import { expect, it } from 'vitest';
import { startCommand } from '../support/daemon.ts';

/** Prints how long a connection may take, if the name has other addresses to try. */
const PRELOAD = `data:text/javascript,import * as net from 'node:net';process.on('exit',()=>console.log('attempt '+net.getDefaultAutoSelectFamilyAttemptTimeout()))`;
const ID = 'lce-5a1c6f2e-7d7e-4a4f-9b1d-3c2b1a0f9e8d';

it.each([
  ['healthcheck', ['healthcheck', '--url', 'http://127.0.0.1:1']],
  ['list', ['list', '--url', 'http://127.0.0.1:1']],
  ['track', ['track', ID, '--url', 'http://127.0.0.1:1']],
])(
  '%s waits two seconds for each address of a name, so that a slow line suffices',
  async (_name, command) => {
    await using running = startCommand(command, {
      NODE_OPTIONS: `--import=${PRELOAD.replaceAll(' ', '%20')}`,
    });
    expect((await running.ended).stdout).toBe('attempt 2000');
  },
);
