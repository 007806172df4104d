// `npm run soak`: keeps the whole system under a steady load and reports growth over time. See test/soak.
import { runTest } from './setup.mjs';

runTest('soak');
