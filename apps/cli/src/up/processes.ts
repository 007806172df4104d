import { resolve } from 'node:path';
import { programOf } from './migrate';
import { CORE_SERVICES, READERS, type CoreService } from './secrets';

/** A process of the system. */
export interface ProcessPlan {
  /** the name of its log file */
  readonly name: string;
  readonly program: string;
  /** the services that it runs */
  readonly runs: readonly [CoreService, ...CoreService[]];
}

/**
 * Returns the processes of the services that always run.
 * @param delegations number of instances of the delegation service; the first has the name of the service
 * @param apart gives each reader of the logs a dedicated process
 */
export function processesOf(delegations: number, apart: boolean): ProcessPlan[] {
  const alone = (service: CoreService, name: string = service): ProcessPlan => ({
    name,
    program: programOf(service, 'main'),
    runs: [service],
  });
  const readers: ProcessPlan = { name: 'readers', program: resolve(__dirname, 'readers.js'), runs: READERS };
  return CORE_SERVICES.flatMap((service) => {
    if (service === 'delegation')
      return Array.from({ length: delegations }, (_, i) => alone(service, i === 0 ? service : `${service}-${i + 1}`));
    if (apart || !READERS.some((each) => each === service)) return [alone(service)];
    return service === READERS[0] ? [readers] : [];
  });
}

/** Reads `BAILIWICK_READERS`. @throws if it is neither of its values */
export function readersApart(setting: string | undefined): boolean {
  if (setting === undefined || setting === '' || setting === 'together') return false;
  if (setting === 'apart') return true;
  throw new Error(
    `BAILIWICK_READERS is ${JSON.stringify(setting.slice(0, 40))}; use together (the ledger and the monitor share a process that reads each log once, the default) or apart`,
  );
}
