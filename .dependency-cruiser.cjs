/** Who may import whom: main → commands → app → parts → contracts → domain. */
const room = (name) => `^src/${name}/`;
const bottomUp = ['domain', 'runtime'];

/** The contracts that the store implements, each in the room that uses it. */
const contractsOfStore = [
  'polling/ledger',
  'registration/intake',
  'delivery/outbox',
  'http/reading',
  'http/operating',
];

/** The parts of src that each room may import besides itself. */
const allowed = {
  domain: [],
  runtime: [],
  wire: ['domain'],
  config: [...bottomUp],
  limiter: [...bottomUp],
  imagebuilder: [...bottomUp],
  store: [...bottomUp, ...contractsOfStore],
  notices: [...bottomUp],
  metrics: [...bottomUp, 'notices/notices'],
  registration: [...bottomUp, 'notices/notices'],
  polling: [
    ...bottomUp,
    'http/targets',
    'imagebuilder/gateway',
    'limiter/limiter',
    'notices/notices',
    'registration/registrar',
    'registration/tracking',
  ],
  delivery: [...bottomUp, 'notices/notices'],
  http: [...bottomUp, 'wire', 'store/store-error', 'registration/registrar', 'notices/notices'],
  receiver: [...bottomUp],
  simulator: [],
  app: [
    'config',
    'delivery',
    'domain',
    'http',
    'imagebuilder',
    'limiter',
    'metrics',
    'notices',
    'polling',
    'registration',
    'runtime',
    'store',
  ],
  // `wait` polls without a daemon, `simulate` and `demo` bring AWS and a receiver along.
  commands: [
    'app',
    'config',
    'domain',
    'http',
    'imagebuilder',
    'limiter',
    'notices',
    'polling',
    'receiver',
    'runtime',
    'simulator',
    'wire',
  ],
};

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    ...Object.entries(allowed).map(([name, others]) => ({
      name: `${name}-imports-only-what-it-may`,
      severity: 'error',
      from: { path: room(name) },
      to: { path: '^src/', pathNot: [room(name), ...others.map((other) => `^src/${other}[./]`)] },
    })),
    {
      name: 'every-room-has-its-imports-named-above',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(main\\.ts|launch\\.js)$', ...Object.keys(allowed).map(room)] },
      to: {},
    },
    {
      name: 'only-commands-use-the-simulator',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/commands/', room('simulator')] },
      to: { path: room('simulator') },
    },
    {
      // The control port of the simulator is itself an HTTP server, so it may use the parts of src/http.
      name: 'commands-know-the-api-by-its-shapes',
      severity: 'error',
      from: { path: room('commands'), pathNot: '^src/commands/simulate/' },
      to: { path: room('http') },
    },
    {
      name: 'what-databases-share-knows-none-of-them',
      severity: 'error',
      from: { path: room('store/sql') },
      to: { path: room('store/sqlite') },
    },
    {
      name: 'one-file-imports-bottleneck',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/limiter/bottleneck-limiter\\.ts$' },
      to: { path: 'node_modules/bottleneck' },
    },
    {
      name: 'domain-is-pure',
      severity: 'error',
      from: { path: room('domain') },
      to: { dependencyTypes: ['npm', 'core'], pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'prom-client-stays-in-metrics',
      severity: 'error',
      from: { path: '^src/', pathNot: room('metrics') },
      to: { path: 'node_modules/prom-client' },
    },
    {
      name: 'the-sdk-stays-in-imagebuilder',
      severity: 'error',
      from: { path: '^src/', pathNot: room('imagebuilder') },
      to: { path: 'node_modules/@(aws-sdk|smithy)' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
  },
};
