import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**'],
    // More workers than cores, because most tests wait for a process or a socket.
    maxWorkers: 4,
    // Long enough for a busy machine: a limit is there to end a test that hangs, and measures nothing.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: { provider: 'v8', include: ['src/domain/**'], thresholds: { branches: 95 } },
  },
});
