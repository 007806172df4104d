import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// No text is placed in the page itself: the policy of the gateway permits neither inline scripts nor `data:` fonts.
export default defineConfig({
  base: '/console/',
  plugins: [react()],
  build: {
    outDir: 'dist',
    target: 'es2022',
    cssTarget: 'chrome123',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    sourcemap: false,
  },
});
