import { expect, it } from 'vitest';
import { changedFixedKeys } from '../../src/config/fixed.ts';
import { parseConfig } from '../../src/config/load.ts';

async function configOf(differing: object) {
  const targets = [{ name: 'prod', accountId: '123456789012', region: 'us-east-1' }];
  const whole = { server: { insecure: true }, targets, ...differing };
  const parsed = await parseConfig(JSON.stringify(whole), { env: {} });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.config;
}

it.each<[object, object, readonly string[]]>([
  [{}, {}, []],
  [{}, { server: { insecure: true, host: '127.0.0.1', port: 8080 } }, []],
  [{}, { server: { insecure: true, host: '127.0.0.2' } }, ['server.host']],
  [{}, { server: { insecure: true, port: 0 } }, ['server.port']],
  [{}, { metrics: { port: 9464 } }, ['metrics.port']],
  [{ metrics: { port: 9464 } }, {}, ['metrics.port']],
  [{ metrics: { port: 9464 } }, { metrics: { port: 9464, host: '127.0.0.1' } }, []],
  [{ metrics: { port: 9464 } }, { metrics: { port: 9464, host: '0.0.0.0' } }, ['metrics.host']],
  [
    { metrics: { port: 1 } },
    { metrics: { port: 2 }, server: { insecure: true, host: '::1' } },
    ['server.host', 'metrics.port'],
  ],
  [{}, { store: { sqlite: { path: './data/../data/watcher.db' } } }, []],
  [{}, { store: { sqlite: { path: 'data/other.db' } } }, ['store.sqlite.path']],
  [{}, { log: { level: 'warn' }, retention: { deadDays: 1 }, polling: { targetLagSeconds: 60 } }, []],
])('from %j to %j: %j', async (before, next, expected) => {
  expect(changedFixedKeys(await configOf(before), await configOf(next))).toEqual(expected);
});
