// `npm run chaos`: the whole system under load and faults, and what must hold after it. See test/chaos.
import { runTest } from './setup.mjs';

runTest('chaos');
