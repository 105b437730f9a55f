import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/** Accepts no more connections for 700 ms once it has had one. */
const SERVER = `
const { writeSync } = require('node:fs');
const server = require('node:http').createServer((request, response) => response.end('<x/>'));
server.once('connection', () => {
  writeSync(1, 'busy\\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => writeSync(1, server.address().port + '\\n'));
`;

/**
 * Starts an HTTP server on 127.0.0.1 whose next handshakes take about a second, as over a slow line: the system answers none
 * while too many connections wait to be accepted, and clients repeat their requests for one after a second.
 */
export async function startSlowHandshakes() {
  const child = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const port = Number((await lines.next()).value);
  const dial = () => connect(port, '127.0.0.1').on('error', () => undefined);
  const sockets = [dial()];
  await lines.next();
  for (let count = 0; count < 2; count += 1) {
    const socket = dial();
    sockets.push(socket);
    await once(socket, 'connect');
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
