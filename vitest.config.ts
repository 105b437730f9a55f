import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**'],
    // More workers than cores, because most tests wait for a process or a socket.
    maxWorkers: 4,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    coverage: { provider: 'v8', include: ['src/domain/**'], thresholds: { branches: 95 } },
  },
});
