import type { Command } from 'commander';
import type { PointsAnswer } from '@bailiwick/contracts/enforcement/points';
import { LIMITS } from '@bailiwick/core/limits';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { effectText } from '../effect-text';

/** The options of a command that waits until what it did is in effect. */
export interface WaitFlags extends GlobalOptions {
  /** s, as stated; false: do not wait */
  wait?: string | false;
}

export function addWaitOptions(command: Command): Command {
  const most = LIMITS.effectWaitMs / 1_000;
  return command
    .option('--wait <seconds>', `how long to wait for every enforcement point, at most ${most}`, String(most))
    .option('--no-wait', 'return as soon as it is acknowledged: no decision permits anything of it from then on');
}

/** Something that was done, and how long its acknowledgement took. */
export type Acknowledged<Done> = Done & { readonly acknowledgedMs: number };

export async function acknowledged<Done extends object>(act: () => Promise<Done>): Promise<Acknowledged<Done>> {
  const started = performance.now();
  const done = await act();
  return { ...done, acknowledgedMs: Math.round(performance.now() - started) };
}

/** What an event stopped, and where the event is: by log, or at a position of the only log. */
export interface Stopped {
  readonly revocationId?: string;
  readonly positions?: Readonly<Record<string, number>>;
  readonly position?: number;
}

/**
 * Waits until every enforcement point enforces what was done, and prints how long each took. The exit code is 1 if one has not
 * confirmed it.
 */
export async function printEffect(options: WaitFlags, done: Acknowledged<Stopped>, says: string): Promise<void> {
  const where = Object.entries(done.positions ?? {});
  const at = where.map(([log, position]) => ` at ${log}:${position}`).join('');
  if (!options.json) console.log(`${says}${at}, acknowledged in ${done.acknowledgedMs} ms`);
  const answers = options.wait === false ? [] : await awaitEffect(options, done, waitMs(options.wait));
  if (options.json) console.log(JSON.stringify({ ...done, ...(answers.length > 0 ? { enforcement: answers } : {}) }));
  else for (const answer of answers) console.log(`\n${effectText(answer)}`);
  if (answers.some(({ confirmed }) => !confirmed)) process.exitCode = 1;
}

/** Waits for the enforcement points of every log that the event is in. */
export function awaitEffect(options: GlobalOptions, done: Stopped, waitMs: number): Promise<PointsAnswer[]> {
  const client = clientFor(options, 'responder');
  const revocation = done.revocationId === undefined ? {} : { revocation: done.revocationId };
  const queries = done.positions
    ? Object.entries(done.positions).map(([log, position]) => ({ log, position }))
    : [{ position: done.position as number }];
  return Promise.all(queries.map((query) => client.enforcementPoints({ ...query, ...revocation, waitMs })));
}

function waitMs(stated = String(LIMITS.effectWaitMs / 1_000)): number {
  const ms = Math.round(Number(stated) * 1_000);
  if (!(ms >= 0 && ms <= LIMITS.effectWaitMs))
    throw new UsageError(`--wait must be a number of seconds, at most ${LIMITS.effectWaitMs / 1_000}`);
  return ms;
}
