// `npm run soak`: the whole system under a steady load for long, and what grew meanwhile. See test/soak.
import { runTest } from './setup.mjs';

runTest('soak');
