import { expect, test } from 'vitest';
import { formatFaults } from '../../src/config/load.ts';
import { ENV, faultsOf, MINIMAL, parsed, withEndpoint } from './texts.ts';

const withSection = (section: string) => `${MINIMAL}${section}\n`;
const target = (fields: string) => MINIMAL.replace('region: eu-west-1', fields);

test('all faults are reported at once, each with its path and line, in the order of the file', async () => {
  const text = `server:
  port: 70000
  portt: 1
  tokens:
    - { name: ci, scopes: [reed], value: literal-secret-literal }
    - { name: ci, scopes: [], value: { env: MISSING } }
targets:
  - name: a
    accountId: 123456789012
    region: eu-west-1
  - name: a
    region: Frankfurt
polling: { minIntervalSeconds: 1000 }
endpoints:
  - name: callback
    url: ftp://example.com
    secrets: []
    headers:
      Host: x
`;
  expect(await faultsOf(text)).toEqual([
    '2: server.port: must be at most 65535',
    '3: server.portt: unknown key (did you mean port?)',
    '5: server.tokens[0].scopes[0]: must be one of register, read, admin',
    '5: server.tokens[0].value: a secret must not be in this file: give { env: NAME } or { file: PATH }',
    '6: server.tokens[1].scopes: must have at least one entry',
    '6: server.tokens[1].name: the name is taken by server.tokens[0].name',
    '6: server.tokens[1].value.env: environment variable MISSING is not set',
    '9: targets[0].accountId: must be quoted, such as "123456789012": as a number it may lose leading zeros',
    '11: targets[1].accountId: is missing: it must be a string',
    '11: targets[1].name: the name is taken by targets[0].name',
    '12: targets[1].region: must be an AWS Region such as us-east-1',
    '13: polling.minIntervalSeconds: must not be more than maxIntervalSeconds (900); it is 1000',
    '15: endpoints[0].name: the name callback is reserved',
    '16: endpoints[0].url: must be a URL that begins with http:// or https://',
    '17: endpoints[0].secrets: must have at least one entry',
    '19: endpoints[0].headers.Host: is reserved: the watcher sets host, content-*, webhook-* and connection headers itself',
  ]);
});

test.each([
  ['loog: {}', '6: loog: unknown key (did you mean log?)'],
  ['log: { lvel: info }', '6: log.lvel: unknown key (did you mean level?)'],
  [
    'polling: { TargetLagSeconds: 5 }',
    '6: polling.TargetLagSeconds: unknown key (did you mean targetLagSeconds?)',
  ],
  ['log: { format: json }', '6: log.format: unknown key (known keys: level)'],
  ['log: { "a b": 1 }', '6: log["a b"]: unknown key (known keys: level)'],
  ['log:', '6: log: is empty: it must be a mapping of keys to values'],
  ['log: { level: loud }', '6: log.level: must be one of trace, debug, info, warn, error, fatal'],
  ['retention: { deadDays: 0 }', '6: retention.deadDays: must be more than 0'],
  ['retention: { deadDays: .inf }', '6: retention.deadDays: must be a number, not Infinity'],
  ['metrics: { port: 1.5 }', '6: metrics.port: must be a whole number, not a fraction'],
  [
    'metrics: { port: 8080 }',
    '6: metrics.port: is the port of the server: leave out metrics to serve them there',
  ],
  ['egress: { httpsOnly: "yes" }', '6: egress.httpsOnly: must be true or false, not a string'],
  [
    'egress: { allowCidrs: [10.0.0.1] }',
    '6: egress.allowCidrs[0]: must be a network: for this one address write 10.0.0.1/32',
  ],
  [
    'egress: { allowCidrs: [intranet] }',
    '6: egress.allowCidrs[0]: must be a network such as 10.0.0.0/8 or fd00::/8',
  ],
  [
    'store: { sqlite: { path: 5 } }',
    '6: store.sqlite.path: must be a string, not a number: put it in quotes',
  ],
])('%s', async (section, fault) => {
  expect(await faultsOf(withSection(section))).toEqual([fault]);
});

test.each([
  ['discover: { everySeconds: 0.5 }', 'targets[0].discover.everySeconds: must be'],
  ['discover: { every: 5 }', 'targets[0].discover.every: unknown key'],
  ['discover: true', 'targets[0].discover: must be a mapping'],
])('%s', async (fields, fault) => {
  expect(await faultsOf(target(`region: eu-west-1, ${fields}`))).toEqual([
    expect.stringContaining(`5: ${fault}`),
  ]);
});

test.each(['store: { postgres: { url: { env: DB } } }'])(
  'a key of a later release is unknown: %s',
  async (section) => {
    expect(await faultsOf(withSection(section))).toEqual([expect.stringContaining('unknown key')]);
  },
);

test.each(['webhookSecrets', 'snsTopicArns'])(
  'a key of a later release is unknown: server.%s',
  async (key) => {
    expect(await faultsOf(MINIMAL.replace('server:', `server:\n  ${key}: []`))).toEqual([
      expect.stringContaining(`2: server.${key}: unknown key`),
    ]);
  },
);

test.each([
  ['region: eu-west-1, externalId: abc', 'targets[0].externalId: is used only with roleArn'],
  ['region: eu-west-1, roleArn: watcher', 'targets[0].roleArn: must be the ARN of an IAM role'],
  [
    'region: eu-west-1, roleArn: "arn:aws:iam::999999999999:role/w"',
    'targets[0].roleArn: the role is in account 999999999999, but accountId is 123456789012',
  ],
  ...(
    [
      ['aws-cn', 'eu-west-1', 'aws'],
      ['aws', 'cn-north-1', 'aws-cn'],
      ['aws', 'us-gov-west-1', 'aws-us-gov'],
      ['aws-us-gov', 'us-isob-east-1', 'aws-iso-b'],
      ['aws-iso', 'us-east-1', 'aws'],
      ['aws', 'eusc-de-east-1', 'aws-eusc'],
    ] as const
  ).map(([rolePartition, region, partition]) => [
    `region: ${region}, roleArn: "arn:${rolePartition}:iam::123456789012:role/w"`,
    `targets[0].roleArn: the role is in partition ${rolePartition}, but Region ${region} is in partition ${partition}`,
  ]),
  ['region: eu-west-1, requestsPerSecond: 0', 'targets[0].requestsPerSecond: must be at least 0.0003'],
  ['region: eu-west-1, endpoint: "http://u:p@host"', 'targets[0].endpoint: must not contain a user name'],
])('a target with %s', async (fields, fault) => {
  expect(await faultsOf(target(fields))).toEqual([expect.stringContaining(`5: ${fault}`)]);
});

test.each([
  ['aws', 'ap-southeast-7'],
  ['aws-cn', 'cn-northwest-1'],
  ['aws-us-gov', 'us-gov-east-1'],
  ['aws-iso-f', 'us-isof-south-1'],
  ['aws', 'moon-base-1'],
])('a role of partition %s fits Region %s', async (partition, region) => {
  const text = target(`region: ${region}, roleArn: "arn:${partition}:iam::123456789012:role/w"`);
  expect((await parsed(text)).targets[0]?.region).toBe(region);
});

test('an account id has 12 digits', async () => {
  const short = MINIMAL.replace('123456789012', '1234');
  expect(await faultsOf(short)).toEqual([
    '5: targets[0].accountId: must be the 12 digits of an AWS account, quoted',
  ]);
});

test('two targets must not have the same account and Region', async () => {
  const more = (name: string, accountId: string, region: string) =>
    `  - { name: ${name}, accountId: "${accountId}", region: ${region} }\n`;
  const others = more('b', '123456789012', 'eu-west-2') + more('c', '210987654321', 'eu-west-1');
  await parsed(MINIMAL + others);
  expect(await faultsOf(MINIMAL + others + more('d', '123456789012', 'eu-west-1'))).toEqual([
    '8: targets[3]: the account and Region are the same as in targets[0]: AWS throttles them together, so use one target',
  ]);
});

test('names of endpoints are unique', async () => {
  const [, endpoint = ''] = withEndpoint().split('endpoints:\n');
  expect(await faultsOf(withEndpoint() + endpoint)).toEqual([
    '10: endpoints[1].name: the name is taken by endpoints[0].name',
  ]);
});

test.each(['host', 'Content-Type', 'webhook-id', 'Connection', 'transfer-encoding'])(
  'the header %s is reserved',
  async (header) => {
    expect(await faultsOf(withEndpoint(`headers: { ${header}: x }`))).toEqual([
      expect.stringMatching(`^10: endpoints\\[0\\].headers.${header}: is reserved: the watcher sets`),
    ]);
  },
);

test('headers have valid and different names, whatever their case, and printable values', async () => {
  const headers = [
    'headers:',
    '  "x y": a',
    '  x-a: a',
    '  X-A: b',
    '  x-b: "é"',
    '  authorization: Bearer x',
  ];
  expect(await faultsOf(withEndpoint(...headers))).toEqual([
    '11: endpoints[0].headers["x y"]: is not a valid header name',
    '13: endpoints[0].headers.X-A: is the same header as endpoints[0].headers.x-a',
    '14: endpoints[0].headers.x-b: the value of a header must be printable ASCII',
  ]);
});

test('an entry of events must match at least one event', async () => {
  await parsed(withEndpoint('events: ["*", "execution.*", execution.failed, "*ed"]'));
  const faults = await faultsOf(withEndpoint('events: [execution.faild, execution.success, "excution.*"]'));
  expect(faults).toEqual([
    '10: endpoints[0].events[0]: matches no event (did you mean execution.failed?)',
    expect.stringMatching(
      /^10: endpoints\[0\]\.events\[1\]: matches no event \(known events: execution\.pending, /,
    ),
    expect.stringMatching(/^10: endpoints\[0\]\.events\[2\]: matches no event/),
  ]);
});

test('a label key with a space is a fault', async () => {
  expect(await faultsOf(withEndpoint('labels: { "a b": x }'))).toEqual([
    expect.stringMatching(/^10: endpoints\[0\]\.labels\["a b"\]: the key must be 1 to 64 of the characters/),
  ]);
});

test('a token is needed, or insecure on a loopback host', async () => {
  const insecure = (host: string) =>
    MINIMAL.replace(/ {2}tokens:\n.*\n/, `  insecure: true\n  host: "${host}"\n`);
  for (const host of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1', 'localhost'])
    await parsed(insecure(host));
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.com', '127.0.0.1.example.com']) {
    expect(await faultsOf(insecure(host))).toEqual([
      `2: server.insecure: is only allowed if server.host is a loopback address; it is ${host}`,
    ]);
  }
  expect(await faultsOf(MINIMAL.replace(/ {2}tokens:\n.*\n/, '  port: 1\n'))).toEqual([
    '1: server.tokens: at least one token is needed, unless server.insecure is true on a loopback host',
  ]);
});

test('insecure is checked against the host from the environment, too', async () => {
  const text = MINIMAL.replace(/ {2}tokens:\n.*\n/, '  insecure: true\n');
  await parsed(text);
  expect(await faultsOf(text, { ...ENV, LIFECYCLE_WATCHER_HOST: '0.0.0.0' })).toEqual([
    '2: server.insecure: is only allowed if server.host is a loopback address; it is 0.0.0.0',
  ]);
});

test('a fault is one line, even if it repeats line breaks', () => {
  const faults = [{ path: 'a["\u001b[31m"]', message: 'no\r\nsuch file', line: 3 }];
  expect(formatFaults({ file: 'x.yaml', faults })).toBe('x.yaml:3: a["\\x1b[31m"]: no\\x0d\\x0asuch file\n');
});
