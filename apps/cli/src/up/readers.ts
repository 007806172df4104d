import { runBusServices, type BusService } from '@bailiwick/platform/bus-service';
import { programOf } from './migrate';
import { READERS } from './secrets';

/** What the `service` module of a service exports. */
interface Program {
  readonly SERVICE: BusService;
}

/** Runs the ledger and the monitor in one process, which reads each log once for both. */
async function run(): Promise<void> {
  const programs = await Promise.all(READERS.map((name) => import(programOf(name, 'service')) as Promise<Program>));
  runBusServices(
    'readers',
    programs.map(({ SERVICE }) => SERVICE),
  );
}

if (require.main === module) void run();
