/**
 * Types the commands of the README and of the documents, in their order, into a terminal in a copy of the clone, and checks
 * what the text promises. There are three differences from a reader's machine: ports that are free, a simulator in place of AWS, and
 * runs that last seconds. Commands that take too long here are named with the place that runs them.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it, vi } from 'vitest';
import { OPERATIONS } from '../../src/domain/call/operation.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { temporaryDirectory } from '../support/daemon.ts';
import { EXAMPLES } from '../support/events-page.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { partsOf } from './page.ts';
import type { Part } from './page.ts';
import { openTerminal } from './terminal.ts';
import type { Typed } from './terminal.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const COPIED = ['Dockerfile', 'config', 'package-lock.json', 'package.json', 'src'];
const ID = 'lce-5a1c6f2e-7d7e-4a4f-9b1d-3c2b1a0f9e8d';
/** The ports of the documents. */
const PORTS = /\b(?:8080|8090|4566|4567)\b/g;
/** Polls often, so that the tests need not wait. */
const QUICK = 'polling: { targetLagSeconds: 1, minIntervalSeconds: 0.5, maxIntervalSeconds: 2 }\n';
/** The documents deliver to a public address. */
const LOOPBACK = 'egress: { allowPrivateNetworks: true }\n';
const LIMIT_MS = 300_000;
const TOOLS = ['bash', 'script', 'curl', 'openssl'];

const missing = TOOLS.filter((tool) => {
  try {
    execFileSync('which', [tool], { stdio: 'ignore' });
    return false;
  } catch {
    return true;
  }
});

/** The search path of a reader: without the binaries of this project, which npm puts there. */
const hostPath = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !folder.endsWith('node_modules/.bin'))
  .join(delimiter);

async function freePort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}

/** Makes a copy of the clone after `npm ci`, in which `npm ci` and `npm test` do nothing, and docker is the fake one. */
async function copyClone(directory: string): Promise<string> {
  const clone = join(directory, 'lifecycle-watcher');
  const bin = join(directory, 'bin');
  const isPrivate = /config\/(?:watcher|local)\.yaml$/;
  for (const name of COPIED)
    await cp(join(ROOT, name), join(clone, name), {
      recursive: true,
      filter: (file) => !isPrivate.test(file),
    });
  await symlink(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  await mkdir(bin);
  const script = (name: string, text: string) =>
    writeFile(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  await script('npm', `case $1 in ci | test) ;; *) PATH='${hostPath}' exec npm "$@" ;; esac`);
  await script('docker', `exec '${process.execPath}' '${join(ROOT, 'test/docs/fake-docker.ts')}' "$@"`);
  // Runs that are cancelled after 30 s are cancelled after 8 s.
  const scenario = join(clone, 'config/scenarios/cancelled-run.yaml');
  const text = await readFile(scenario, 'utf8');
  await writeFile(
    scenario,
    text.replaceAll('at: 30', 'at: 8').replace('cancelSeconds: 10', 'cancelSeconds: 2'),
  );
  return clone;
}

const describeInTerminal = describe.skipIf(missing.length > 0 || process.platform !== 'linux');

// At the same time, because they wait for much of it.
describeInTerminal('the commands of', { concurrent: true, timeout: LIMIT_MS }, () => {
  /** Opens a page with a terminal in a copy of the clone. */
  async function read(page: string) {
    const ports = new Map<string, string>();
    for (const port of ['8080', '8090', '4566', '4567']) ports.set(port, await freePort());
    await using opening = new AsyncDisposableStack();
    const simulator = opening.use(await startSimulator());
    const receiver = opening.use(await startFakeReceiver());
    const directory = opening.use(await temporaryDirectory());
    const clone = await copyClone(directory.path);
    const terminal = opening.use(
      openTerminal(clone, {
        PATH: [join(directory.path, 'bin'), hostPath].join(delimiter),
        HOME: process.env['HOME'],
        LIFECYCLE_WATCHER_URL: `http://127.0.0.1:${ports.get('8080') ?? ''}`,
        AWS_ENDPOINT_URL: simulator.url,
        AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'secret',
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
        AWS_EC2_METADATA_DISABLED: 'true',
        npm_config_update_notifier: 'false',
        npm_config_prefer_offline: 'true',
        npm_config_audit: 'false',
        npm_config_fund: 'false',
      }),
    );
    /** Replaces what differs from a reader's machine. */
    const adapted = (text: string) =>
      text
        .replace(/^server:$/m, 'server:\n  port: 8080')
        .replace(/^targets:$/m, `${QUICK}targets:`)
        .replace('https://hooks.example.com/imagebuilder', receiver.url)
        .replace(/^(endpoints:)$/m, text.includes('egress:') ? '$1' : `${LOOPBACK}$1`)
        .replaceAll(PORTS, (port) => ports.get(port) ?? port);
    const parts: Part[] = [...(await partsOf(page))];
    const write = async ({ path, text }: { readonly path: string; readonly text: string }) => {
      await mkdir(dirname(join(clone, path)), { recursive: true });
      await writeFile(join(clone, path), adapted(text));
    };

    /** Goes on to the next commands, writes the files before them, and returns the commands. They must begin with `begin`. */
    async function next(begin: string): Promise<string> {
      for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
        if (part.kind === 'file') await write(part);
        if (part.kind !== 'commands') continue;
        expect(part.text.slice(0, begin.length)).toBe(begin);
        return part.text;
      }
      throw new Error(`${page} has no more commands`);
    }
    const file = (name: string) => readFile(join(clone, name), 'utf8').catch(() => '');

    /** Waits until the file has something that matches. */
    const seesIn = (name: string, pattern: RegExp) =>
      vi.waitFor(async () => expect(await file(name)).toMatch(pattern), { timeout: 60_000, interval: 50 });
    async function setUp(): Promise<void> {
      for (const part of await partsOf('README.md')) if (part.kind === 'file') await write(part);
      await terminal.type('export PATH="$PWD/node_modules/.bin:$PATH"');
      await terminal.type(
        'export LIFECYCLE_WATCHER_TOKEN=$(openssl rand -hex 24) OPS_SECRET=whsec_$(openssl rand -base64 32)',
      );
    }

    const open = opening.move();
    return {
      terminal,
      file,
      portOf: (port: string) => ports.get(port) ?? port,
      received: () => receiver.received(),
      metrics: async () => (await fetch(`http://127.0.0.1:${ports.get('8080') ?? ''}/metrics`)).text(),
      /** Starts the execution of the documents, which fails after some seconds. */
      startExecution() {
        const timeline = [
          { status: 'IN_PROGRESS', afterMs: 0 },
          { status: 'FAILED', afterMs: 4000, reason: 'One or more resource actions failed.' },
        ];
        simulator.start({ id: ID, timeline });
      },
      /** Types the next commands of the page, which must begin with `begin`, and returns what they print. */
      async types(begin: string, interruptAt?: RegExp): Promise<Typed> {
        return terminal.type(adapted(await next(begin)), interruptAt);
      },
      /** Types the next commands, and requires that all end with 0. */
      async succeeds(begin: string): Promise<string> {
        const { output, failures } = await terminal.type(adapted(await next(begin)));
        expect(failures, output).toEqual([]);
        return output;
      },
      /** Passes over commands that are tested in another place. */
      async skips(begin: string, _reason: string): Promise<void> {
        await next(begin);
      },
      /** Returns the JSON that follows on the page. */
      json(): unknown {
        const part = parts.shift();
        if (part?.kind === 'json') return part.value;
        throw new Error(`${page} has no JSON here`);
      },
      seesIn,
      /** Writes the configuration of the README and sets its variables, which the other pages take for granted. */
      setUp,
      async startDaemon() {
        await setUp();
        await terminal.type('lifecycle-watcher run > watcher.log &');
        await seesIn('watcher.log', /"listening"/);
      },
      /** Requires that nothing is left to type. */
      end: () => expect(parts.filter(({ kind }) => kind === 'commands')).toEqual([]),
      [Symbol.asyncDispose]: () => open.disposeAsync(),
    };
  }

  it('README.md lead to the demo and to a verified event', async () => {
    await using page = await read('README.md');
    const demo = await page.types('npm ci && npm run demo', /→ [A-Z]/);
    expect(demo.output).toContain('Press Ctrl-C');
    expect(demo.output).toContain('passed: no event lost, none unexpected');
    expect(demo.failures).toEqual([]);
    await page.skips('npm ci && npm test', 'it would run this test; .ci/run types it');

    const output = await page.succeeds('export PATH=');
    expect(output).toContain('accountId: "123456789012"');
    await page.seesIn('watcher.log', /"listening"/);
    page.startExecution();
    await page.succeeds('lifecycle-watcher track');
    await vi.waitFor(() => expect(page.received()).toHaveLength(1), { timeout: 30_000 });

    const [{ body, headers } = { body: '', headers: {} }] = page.received();
    const secret = (await page.terminal.type('echo "$OPS_SECRET"')).output.trim();
    const event = new Webhook(secret).verify(body, headers) as Readonly<Record<string, unknown>>;
    const shown = page.json();
    expect(shown).toEqual(JSON.parse(EXAMPLES['execution.failed']()));
    expect(event).toMatchObject({ subject: ID, type: (shown as typeof event)['type'] });
    expect(Object.keys(event)).toEqual(Object.keys(shown as typeof event));
    page.end();
  });

  it('docs/configuration.md check a configuration and make a secret', async () => {
    await using page = await read('docs/configuration.md');
    await page.setUp();
    expect(await page.succeeds('lifecycle-watcher check-config')).toContain('accountId: "123456789012"');
    expect(await page.succeeds('echo "whsec_')).toMatch(/^whsec_\S{44}$/m);
    page.end();
  });

  it('docs/http-api.md register, read, follow the feed and resend', async () => {
    await using page = await read('docs/http-api.md');
    await page.startDaemon();
    const registered = JSON.parse(await page.succeeds('curl -X POST')) as object;
    expect(Object.keys(registered)).toEqual(Object.keys(page.json() as object));
    expect(await page.succeeds('curl -X POST')).toContain('"existing"');
    const lists = await page.succeeds('curl -H');
    expect(lists).toContain(`"lifecycleExecutionId":"${ID}"`);
    expect(lists).toContain('"targets":[{"name":"prod-use1"');
    expect(await page.succeeds('curl -H')).toContain('"next":');
    const resent = await page.succeeds('curl -H');
    expect(resent).toContain('"deliveries":');
    expect(resent).toContain('{"resent":');
    expect(resent).toContain('"outcome":"delivered"');
    const { output } = await page.terminal.type(
      `curl -s $LIFECYCLE_WATCHER_URL/v1/executions -H "x-api-key: $LIFECYCLE_WATCHER_TOKEN" \
        -H 'content-type: application/json' -d '{"lifecycleExecutionId": "5a1c"}'`,
    );
    expect(JSON.parse(output)).toEqual(page.json());
    page.end();
  });

  it('docs/cli.md ask a running daemon, and wait without one', async () => {
    await using page = await read('docs/cli.md');
    await page.startDaemon();
    page.startExecution();
    await page.succeeds('export PATH=');
    const asked = await page.types('lifecycle-watcher track');
    expect(asked.failures).toMatchObject([/^3 lifecycle-watcher track /]);
    expect(asked.output).toMatch(/FAILED/);
    expect(await page.file('watcher-2026-11-23.db')).toMatch(/^SQLite format 3/);
    const waited = await page.types('lifecycle-watcher wait');
    expect(waited.failures).toMatchObject([/^3 lifecycle-watcher wait /]);
    page.end();
  });

  it('docs/operations.md start, reload, back up and restore the daemon, in a container and without', async () => {
    await using page = await read('docs/operations.md');
    await page.succeeds('npm ci');
    await page.skips('npm pack', 'test/package.test.ts packs, installs and runs the package');
    const { Statement: statements } = page.json() as {
      readonly Statement: readonly { readonly Action: string | readonly string[] }[];
    };
    const allowed = statements.flatMap(({ Action }) => Action);
    const ofSts: readonly string[] = ['AssumeRole', 'GetCallerIdentity'];
    const needed = OPERATIONS.filter((operation) => !ofSts.includes(operation));
    expect(new Set(allowed)).toEqual(new Set(needed.map((operation) => `imagebuilder:${operation}`)));

    await page.setUp();
    const container = Number(await page.succeeds('docker build -t lifecycle-watcher .'));
    await page.seesIn('container.log', /"listening"/);
    const confirmed = 'api_requests_total{target="prod-use1",operation="GetCallerIdentity",outcome="ok"} 1';
    await vi.waitFor(async () => expect(await page.metrics()).toContain(confirmed), { timeout: 30_000 });
    process.kill(container, 'SIGTERM');
    await page.seesIn('container.log', /"stopped"/);

    await page.succeeds('lifecycle-watcher run');
    await page.seesIn('watcher.log', /"listening"/);
    await page.succeeds('kill -HUP $!');
    await page.seesIn('watcher.log', /"configuration reloaded"/);
    expect(await page.succeeds('lifecycle-watcher healthcheck')).toContain('{"status":"ready"}');
    await page.succeeds('lifecycle-watcher backup');
    await page.succeeds('kill %1 && wait');
    await page.seesIn('watcher.log', /"listening"/);
    expect(await page.succeeds('lifecycle-watcher resend')).toMatch(/\b0\b/);
    page.end();
  });

  it('docs/simulator.md rehearse a cancelled run, and control the simulator by hand', async () => {
    await using page = await read('docs/simulator.md');
    await page.succeeds('export PATH=');
    await page.seesIn('simulator.log', /"started"/);
    await page.seesIn('watcher.log', /"listening"/);
    await page.types('until lifecycle-watcher healthcheck');
    const { failures } = await page.types('lifecycle-watcher track');
    expect(failures).toMatchObject([/^4 lifecycle-watcher track /]);
    await page.seesIn('receiver.log', /execution\.cancelled/);
    expect(await page.succeeds('grep execution.cancelled')).toContain(
      'lce-00000000-0000-4000-8000-000000000001',
    );
    await page.succeeds('kill $(jobs -p)');
    await page.terminal.type('wait');
    await page.succeeds('lifecycle-watcher simulate');
    await page.seesIn('simulator.log', /"part":"control".*"listening"/);
    const output = await page.succeeds('curl http://127.0.0.1:4567/');
    expect(output).toContain('"routes":');
    expect(output).toContain('"executions":');
    expect(output).toMatch(/"name":"throttled"/);
    page.end();
  });

  it('docs/events.md receive an event with Express', async () => {
    await using page = await read('docs/events.md');
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    await page.terminal.type(`export OPS_SECRET=${secret}`);
    await page.succeeds('mkdir receiver');
    await page.succeeds('node receiver/receiver.mjs');
    const body = EXAMPLES['execution.failed']();
    const post = async (signature: string) => {
      const now = new Date();
      const headers = {
        'content-type': 'application/cloudevents+json',
        'webhook-id': 'e',
        'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
        'webhook-signature': signature === '' ? new Webhook(secret).sign('e', now, body) : signature,
      };
      return (await fetch(`http://127.0.0.1:${page.portOf('8090')}/`, { method: 'POST', headers, body }))
        .status;
    };
    await vi.waitFor(async () => expect(await post('v1,bm8=')).toBe(401), {
      timeout: 60_000,
      interval: 100,
    });
    expect(await post('')).toBe(204);
    await page.seesIn('receiver.log', new RegExp(`^lifecycle-watcher\\.execution\\.failed ${ID} 1$`, 'm'));
    page.end();
  });
});

describe('the documents', async () => {
  const pages = [
    'README.md',
    ...(await readdir(join(ROOT, 'docs'), { recursive: true })).map((name) => `docs/${name}`),
  ].filter((name) => name.endsWith('.md'));
  const textOf = (page: string) => readFile(join(ROOT, page), 'utf8');
  /** The anchor that a heading gets on GitHub. */
  const anchorOf = (heading: string) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');

  it.each(pages)('lead somewhere with every link of %s', async (page) => {
    const links = (await textOf(page)).matchAll(/\]\(([^)\s]+)\)/g);
    for (const [, link = ''] of links) {
      if (/^https?:/.test(link)) continue;
      const [path = '', anchor] = link.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      expect(existsSync(join(ROOT, file)), `${link} in ${page}`).toBe(true);
      if (anchor === undefined) continue;
      const headings = (await textOf(file)).matchAll(/^#+ (.*)$/gm);
      expect(Array.from(headings, ([, heading = '']) => anchorOf(heading))).toContain(anchor);
    }
  });

  it('name no metric that does not exist', async () => {
    const declared = (await textOf('docs/metrics.md')).matchAll(/^\| `(\w+)`/gm);
    const names = new Set(Array.from(declared, ([, name]) => name));
    for (const page of pages)
      for (const [, name = ''] of (await textOf(page)).matchAll(/\blifecycle_watcher_(\w+)/g))
        expect(names, page).toContain(name);
  });
});
