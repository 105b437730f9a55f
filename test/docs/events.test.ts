import { HTTP } from 'cloudevents';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createSender } from '../../src/delivery/sending/sender.ts';
import { EVENT_TYPES, TYPE_PREFIX } from '../../src/domain/change/event.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { strictValidator, publishedValidator } from '../support/event-schema.ts';
import { testedProgram } from '../support/events-page.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { WEBHOOK_SECRET } from '../support/secrets.ts';

interface Example {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly [member: string]: unknown;
}

const page = await readFile(new URL('../../docs/events.md', import.meta.url), 'utf8');
const examples = Array.from(
  page.matchAll(/```json\n([^]*?)```/g),
  ([, text = '']) => JSON.parse(text) as Example,
);
const published = await publishedValidator();
const exact = strictValidator();

describe('an example of docs/events.md', () => {
  it('exists for each event, and for nothing else', () => {
    const types = [...EVENT_TYPES, 'endpoint.test'].map((type) => TYPE_PREFIX + type);
    expect(examples.map(({ type }) => type)).toEqual(types);
  });

  it('follows a table that says when each event is sent', () => {
    const [, summary = ''] = /^## The events$([^]*?)^<!-- generated: examples -->$/m.exec(page) ?? [];
    for (const type of EVENT_TYPES) expect(summary).toContain(`\`${type}\``);
  });

  it.each(examples)(
    'is as config/event.schema.json describes it, without further members: $type',
    (example) => {
      expect(published(example)).toEqual([]);
      expect(exact(example)).toEqual([]);
      const headers = { 'content-type': 'application/cloudevents+json' };
      expect(HTTP.toEvent({ headers, body: JSON.stringify(example) })).toMatchObject({ id: example['id'] });
    },
  );

  it.each(examples)('is refused if a member is missing or invalid: $type', (example) => {
    for (const member of Object.keys(example)) {
      const { [member]: _, ...rest } = example;
      expect(published(rest), `without ${member}`).not.toEqual([]);
      expect(published({ ...example, [member]: null }), `${member} null`).not.toEqual([]);
    }
    for (const member of Object.keys(example.data)) {
      if (member === 'resources') continue;
      const { [member]: _, ...rest } = example.data;
      expect(published({ ...example, data: rest }), `without data.${member}`).not.toEqual([]);
    }
    expect(published({ ...example, type: `${TYPE_PREFIX}execution.new` })).not.toEqual([]);
    expect(published({ ...example, time: '2026-11-23' })).not.toEqual([]);
  });

  it.each(examples)('is accepted with members of a later version: $type', (example) => {
    const later = { ...example, extension: 1, data: { ...example.data, more: true } };
    expect(published(later)).toEqual([]);
    expect(exact(later)).not.toEqual([]);
  });
});

describe('the function of docs/events.md that verifies without a library', () => {
  type IsGenuine = (headers: IncomingHttpHeaders, rawBody: string | Buffer, secret: string) => boolean;

  it('accepts genuine requests with each secret, and refuses old or changed ones', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'events-page-'));
    const file = join(folder, 'verify.mjs');
    await writeFile(file, await testedProgram('verify'));
    const { isGenuine } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
      readonly isGenuine: IsGenuine;
    };
    await rm(folder, { recursive: true });

    const next = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
    const sent = async (now: () => number) => {
      await using receiver = await startFakeReceiver();
      const egress = { allowPrivateNetworks: true, allowCidrs: [], httpsOnly: false };
      await using sender = createSender({ egress, clock: { ...systemClock, now }, version: '1' });
      const { signal } = new AbortController();
      const event = { eventId: 'e', body: '{"reason":"größer ✗"}' };
      const to = { url: receiver.url, secrets: [WEBHOOK_SECRET, next], headers: {}, timeoutMs: 10_000 };
      await sender.send({ ...to, ...event, signal });
      return receiver.received()[0]!;
    };
    const { headers, body } = await sent(() => systemClock.now());
    for (const secret of [WEBHOOK_SECRET, next]) {
      expect(isGenuine(headers, body, secret)).toBe(true);
      expect(isGenuine(headers, Buffer.from(body), secret)).toBe(true);
      expect(isGenuine(headers, `${body} `, secret)).toBe(false);
      expect(isGenuine({ ...headers, 'webhook-id': 'f' }, body, secret)).toBe(false);
    }
    expect(isGenuine(headers, body, `whsec_${Buffer.alloc(24, 8).toString('base64')}`)).toBe(false);
    expect(isGenuine({}, body, next)).toBe(false);
    expect(isGenuine({ ...headers, 'webhook-signature': 'v1,' }, body, next)).toBe(false);
    const old = await sent(() => Date.now() - 310_000);
    expect(isGenuine(old.headers, old.body, next)).toBe(false);
  });
});
