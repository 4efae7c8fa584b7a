import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// The browser tests live with the other tests of the project, and find their packages here.
const packages = fileURLToPath(new URL('node_modules/', import.meta.url));

export default defineConfig({
  // the cache belongs to the packages, not beside the tests
  cacheDir: `${packages}.vite`,
  root: fileURLToPath(new URL('../tests/browser/', import.meta.url)),
  resolve: { alias: { 'playwright-core': `${packages}playwright-core`, vitest: `${packages}vitest` } },
  server: { fs: { strict: false } },
  test: {
    // taking the pictures of the README is no test
    include: process.env.POLLUX_PICTURES === undefined ? ['**/*.test.ts'] : ['picture.ts'],
    // one browser, one server, one story: the tests of a file follow each other
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
