import { defineConfig } from 'vitest/config';

// `npm run dev` serves the page itself and passes the rest on to a running Pollux
const pollux = process.env.POLLUX_URL ?? 'http://localhost:8080';

// The page loads nothing but its own files and talks to nobody but its own server. Not set while developing,
// where Vite's client puts styles into the page.
const policy = {
  name: 'content-security-policy',
  apply: 'build' as const,
  transformIndexHtml: () => [
    {
      tag: 'meta',
      attrs: {
        'http-equiv': 'Content-Security-Policy',
        content: "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'",
      },
      injectTo: 'head-prepend' as const,
    },
  ],
};

export default defineConfig({
  plugins: [policy],
  // relative addresses, so that the page also works below a path of a reverse proxy
  base: './',
  build: { target: 'es2021', modulePreload: { polyfill: false } },
  server: { proxy: { '/api': { target: pollux, ws: true }, '/healthz': pollux } },
  test: { include: ['test/**/*.test.ts'], environment: 'node' },
});
