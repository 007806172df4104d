// `npm run chaos`: runs the whole system under load and faults, then checks its invariants. See test/chaos.
import { runTest } from './setup.mjs';

runTest('chaos');
