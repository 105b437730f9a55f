import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const HEADER_BYTES = 12;
const TYPE_A = 1;

/** Reads the first question of a DNS message (RFC 1035, section 4.1.2). */
function readQuestion(message: Buffer) {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

/**
 * Starts a name server at `host`, port 53, the only one that resolv.conf allows. Every name leads to 127.0.0.1 and has no IPv6
 * address; names below `dead.test` get no answer at all.
 */
export async function startNameServer(host: string) {
  const socket = createSocket('udp4');
  let unanswered = 0;
  socket.on('message', (message, { address, port }) => {
    const { name, type, end } = readQuestion(message);
    if (name.endsWith('.dead.test')) {
      unanswered += 1;
      return;
    }
    const hasAnswer = type === TYPE_A;
    const header = Buffer.alloc(HEADER_BYTES);
    message.copy(header, 0, 0, 2);
    // A recursive response without an error, one question, and one answer or none.
    header.writeUInt16BE(0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(hasAnswer ? 1 : 0, 6);
    // A pointer to the name of the question, A, IN, valid for a second, four bytes: the address.
    const answer = Buffer.from([0xc0, HEADER_BYTES, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
    const question = message.subarray(HEADER_BYTES, end);
    socket.send(Buffer.concat([header, question, ...(hasAnswer ? [answer] : [])]), port, address);
  });
  socket.bind(53, host);
  await once(socket, 'listening');
  return {
    /** The number of questions that got no answer. */
    unanswered: () => unanswered,
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, 'close');
    },
  };
}
