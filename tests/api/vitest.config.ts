import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['*.test.ts'],
    // one server at a time: this machine may be small
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
