import { Webhook } from 'standardwebhooks';
import { describe, expect, it, vi } from 'vitest';
import { startReceiver } from '../../src/receiver/receiver.ts';
import type { ReceivedEvent, ReceiverOptions } from '../../src/receiver/receiver.ts';
import { createSender } from '../../src/delivery/sending/sender.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startCommand } from '../support/daemon.ts';
import { WEBHOOK_SECRET } from '../support/secrets.ts';

const OTHER_SECRET = `whsec_${Buffer.from('a secret that nobody else has').toString('base64')}`;

function bodyOf(id: string): string {
  return JSON.stringify({
    specversion: '1.0',
    id,
    type: 'lifecycle-watcher.execution.failed',
    subject: 'lce-1',
  });
}

function signedHeaders(id: string, body: string, secret: string, at = new Date()): Record<string, string> {
  return {
    'content-type': 'application/cloudevents+json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, at, body),
  };
}

async function post(url: string, body: string, headers: Record<string, string>): Promise<number> {
  const response = await fetch(url, { method: 'POST', body, headers });
  await response.arrayBuffer();
  return response.status;
}

/** Posts a signed event and returns the status of the response. */
function send(url: string, id: string, body = bodyOf(id)): Promise<number> {
  return post(url, body, signedHeaders(id, body, WEBHOOK_SECRET));
}

const started = (options: ReceiverOptions = {}) => startReceiver({ secret: WEBHOOK_SECRET, ...options });

describe('the receiver', () => {
  it('keeps each event once, in order and byte for byte', async () => {
    const seen: [string, boolean][] = [];
    await using receiver = await started({
      onEvent: ({ id }: ReceivedEvent, { duplicate }) => seen.push([id, duplicate]),
    });
    for (const id of ['a', 'b', 'a', 'c']) expect(await send(receiver.url, id)).toBe(204);
    expect(receiver.events().map(({ id, body }) => [id, body])).toEqual(
      ['a', 'b', 'c'].map((id) => [id, bodyOf(id)]),
    );
    expect(seen).toEqual([
      ['a', false],
      ['b', false],
      ['a', true],
      ['c', false],
    ]);
    expect(receiver.counts).toEqual({ received: 4, duplicates: 1, rejected: 0 });
  });

  it('accepts events of the sender with the secret that it generated', async () => {
    await using receiver = await startReceiver();
    const egress = { allowPrivateNetworks: true, allowCidrs: [], httpsOnly: false };
    await using sender = createSender({ egress, clock: systemClock, version: '1.2.3' });
    const { signal } = new AbortController();
    const request = {
      url: receiver.url,
      headers: {},
      timeoutMs: 5000,
      eventId: 'a',
      body: bodyOf('a'),
      signal,
    };
    const send = (secret: string) => sender.send({ ...request, secrets: [secret] });
    expect(await send(receiver.secret)).toEqual({ outcome: 'delivered', httpStatus: 204 });
    expect(await send(OTHER_SECRET)).toEqual({ outcome: 'rejected', httpStatus: 401 });
  });

  it('refuses requests that are unsigned, wrongly signed, changed or old', async () => {
    await using receiver = await started();
    const body = bodyOf('a');
    const good = signedHeaders('a', body, WEBHOOK_SECRET);
    const tenMinutesAgo = new Date(Date.now() - 600_000);
    expect(await post(receiver.url, body, {})).toBe(401);
    expect(await post(receiver.url, body, signedHeaders('a', body, OTHER_SECRET))).toBe(401);
    expect(await post(receiver.url, `${body} `, good)).toBe(401);
    expect(await post(receiver.url, body, { ...good, 'webhook-id': 'b' })).toBe(401);
    expect(await post(receiver.url, body, signedHeaders('a', body, WEBHOOK_SECRET, tenMinutesAgo))).toBe(401);
    expect(receiver.events()).toEqual([]);
    expect(receiver.counts).toEqual({ received: 0, duplicates: 0, rejected: 5 });
  });

  it('refuses requests that are not events, too large or not a POST', async () => {
    await using receiver = await started();
    expect(await send(receiver.url, 'a', 'no JSON')).toBe(400);
    expect(await send(receiver.url, 'a', 'null')).toBe(400);
    expect(await send(receiver.url, 'a', bodyOf('b'))).toBe(400);
    expect(await send(receiver.url, 'a', ' '.repeat(65_537))).toBe(413);
    expect((await fetch(receiver.url)).status).toBe(405);
    expect(receiver.counts.rejected).toBe(5);
  });

  it('answers 500 if an event cannot be processed, and accepts it the next time', async () => {
    let isBroken = true;
    await using receiver = await started({
      onEvent() {
        if (isBroken) throw new Error('disk is full');
      },
    });
    expect(await send(receiver.url, 'a')).toBe(500);
    expect(receiver.events()).toEqual([]);
    isBroken = false;
    expect(await send(receiver.url, 'a')).toBe(204);
    expect(receiver.counts).toEqual({ received: 1, duplicates: 0, rejected: 0 });
  });

  it('forgets the oldest events beyond its limit', async () => {
    await using receiver = await started({ remember: 2 });
    for (const id of ['a', 'b', 'c', 'c', 'a']) await send(receiver.url, id);
    expect(receiver.events().map(({ id }) => id)).toEqual(['c', 'a']);
    expect(receiver.counts).toMatchObject({ received: 5, duplicates: 1 });
  });
});

describe('the command receive', () => {
  it('prints its address and each event, and exits with 0 after a signal', async () => {
    await using command = startCommand(['receive', '--port', '0'], { RECEIVER_SECRET: WEBHOOK_SECRET });
    const listening: unknown = JSON.parse(await command.line((line) => line.includes('"listening"')));
    expect(listening).toMatchObject({ msg: 'listening', part: 'receiver', host: '127.0.0.1' });
    const { port } = listening as { port: number };
    const url = `http://127.0.0.1:${port}/`;
    expect(await send(url, 'a')).toBe(204);
    expect(await send(url, 'a')).toBe(204);
    expect(await post(url, bodyOf('a'), {})).toBe(401);
    await vi.waitFor(() => expect(command.lines()).toHaveLength(3), { timeout: 10_000 });
    const events = command.lines().slice(1);
    expect(events.map((line): unknown => JSON.parse(line))).toMatchObject([
      { id: 'a', type: 'lifecycle-watcher.execution.failed', duplicate: false },
      { id: 'a', duplicate: true },
    ]);
    const { code, stderr, stdout } = await command.kill('SIGTERM');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('whsec_');
  });

  it('generates and prints a secret if there is none, and exits with 0 after Ctrl-C', async () => {
    await using command = startCommand(['receive', '--port', '0']);
    await command.line((line) => line.includes('"listening"'));
    const { code, stderr } = await command.kill('SIGINT');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^generated a secret for this run: whsec_\S{40,}$/);
  });

  it.each([
    [['--secret', 'hush']],
    [['--secret', 'whsec_c2hvcnQ=']],
    [['--port', '70000']],
    [['--port', 'http']],
    [['--nonsense']],
  ])('exits with 2 and one line of error for %j', async (args) => {
    await using command = startCommand(['receive', ...args]);
    const { code, stderr, stdout } = await command.ended;
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('exits with 1 if the port is in use', async () => {
    await using receiver = await started();
    await using command = startCommand(['receive', '--port', String(receiver.port)]);
    const { code, stderr } = await command.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/cannot listen on 127\.0\.0\.1 port \d+: .*EADDRINUSE/);
  });
});
