import type { Sources } from '../connections/sources';
import type { LogLedgers } from '../follower/log-ledgers';
import { ReplayController } from './replay.controller';
import type { Replays } from './replays';
import type { TreeAtService } from './tree-at';

/** A controller whose ledger is at position 4 of a log with ten events, and does not get further. */
function late(): { controller: ReplayController; started: unknown[] } {
  const started: unknown[] = [];
  const ledger = { state: { log: 'default/0' }, position: 4, reached: (at: number) => Promise.resolve(at < 4) };
  const ledgers = { following: () => Promise.resolve(ledger), get: () => ledger };
  const sources = { eventlog: { head: () => Promise.resolve(10) } };
  const replays = { start: (...job: unknown[]) => started.push(job) };
  const controller = new ReplayController(
    ledgers as unknown as LogLedgers,
    sources as unknown as Sources,
    replays as unknown as Replays,
    {} as TreeAtService,
  );
  return { controller, started };
}

describe('a replay of a log that the ledger has not read to its end', () => {
  it.each<[string, (controller: ReplayController) => Promise<unknown>]>([
    ['of signals', (controller) => controller.signals({ tenant: 'default' })],
    ['for responders', (controller) => controller.responders({ tenant: 'default', candidate: '{}' })],
    ['of a policy in shadow', (controller) => controller.shadow({ tenant: 'default' })],
  ])('%s is refused: it would leave out what was committed, without a word', async (_what, ask) => {
    const { controller, started } = late();
    await expect(ask(controller)).rejects.toThrow('have not reached 9; try again');
    expect(started).toEqual([]);
  });
});
