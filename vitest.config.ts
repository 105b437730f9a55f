import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**'],
    // Most tests wait for a process or a socket, so more run at once than there are cores.
    maxWorkers: 4,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    coverage: { provider: 'v8', include: ['src/domain/**'], thresholds: { branches: 95 } },
  },
});
