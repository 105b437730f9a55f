import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const PROGRAM = `
  const server = require('node:http').createServer((_, response) => response.writeHead(204).end());
  server.on('connect', (_, socket) => {
    socket.write('HTTP/1.1 200 Connection established\\r\\n\\r\\n');
    server.emit('connection', socket);
  });
  server.listen({ host: process.argv[1], port: Number(process.argv[2]), backlog: 1 }, () => console.log(server.address().port));
`;
/** Long enough for a connection to this machine. */
const SILENCE_MS = 300;

/**
 * Starts a receiver in a process of its own, which is also a proxy that leads to itself. Connections to it wait, like those to an address without a route, until `resume` is
 * called: the process is stopped, and the queue of connections that it has not accepted is full.
 */
export async function startSlowReceiver(host: string, atPort = 0) {
  const child = spawn(process.execPath, ['-e', PROGRAM, host, String(atPort)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  child.kill('SIGSTOP');
  const fillers: Socket[] = [];
  for (let isSilent = false; !isSilent;) {
    const filler = connect(port, host);
    fillers.push(filler.on('error', () => undefined));
    isSilent = await Promise.race([
      once(filler, 'connect').then(() => false),
      pause(SILENCE_MS).then(() => true),
    ]);
  }
  return {
    port,
    resume: () => child.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
