import { Option, type Command } from 'commander';
import type { BailiwickClient } from '@bailiwick/client/client';
import type { PointsAnswer } from '@bailiwick/contracts/enforcement/points';
import { LIMITS } from '@bailiwick/core/limits';
import { connectionFailure } from '../connection-failure';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { effectText } from '../effect-text';
import { bold, plain, red } from '../render';

/** The options of a command that waits until what it did is in effect. */
export interface WaitFlags extends GlobalOptions {
  /** ms; false: do not wait */
  wait: number | false;
}

export function addWaitOptions(command: Command): Command {
  const most = LIMITS.effectWaitMs / 1_000;
  return command
    .addOption(
      new Option('--wait <seconds>', `how long to wait for every enforcement point, at most ${most}`)
        .argParser(waitMs)
        .default(LIMITS.effectWaitMs, String(most)),
    )
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
export async function printEffect(
  options: WaitFlags,
  done: Acknowledged<Stopped>,
  says: string,
  client: Pick<BailiwickClient, 'enforcementPoints'> = clientFor(options, 'responder'),
): Promise<void> {
  const where = Object.entries(done.positions ?? {});
  const at = where.map(([log, position]) => ` at ${log}:${position}`).join('');
  if (!options.json) console.log(`${says}${at}, acknowledged in ${done.acknowledgedMs} ms`);
  if (options.wait === false) {
    if (options.json) console.log(JSON.stringify(done));
    return;
  }
  const seen = await seeEffect(client, done, options.wait);
  console.log(options.json ? JSON.stringify({ ...done, ...seen }) : seenText(seen));
  if (seen.enforcement?.every(({ confirmed }) => confirmed) !== true) process.exitCode = 1;
}

/** What is known of the enforcement; `enforcementUnknown` states why nothing is, while what was done stays done. */
export type Seen =
  | { readonly enforcement: readonly PointsAnswer[] }
  | { readonly enforcement?: undefined; readonly enforcementUnknown: string };

const unknown = (error: unknown): Seen => ({
  enforcementUnknown: connectionFailure(error) ?? (error instanceof Error ? error.message : String(error)),
});

/** Shows how long each point took, or why that is not known. */
export function seenText(seen: Seen): string {
  if (seen.enforcement) return seen.enforcement.map((answer) => `\n${effectText(answer)}`).join('\n');
  return [
    '',
    red(bold('NOT CONFIRMED: what the enforcement points do is not known')),
    `${plain(seen.enforcementUnknown.replace(/\.$/, ''))}. The stop is made and stays made. Ask again with: bailiwick points`,
  ].join('\n');
}

/** Waits until every enforcement point enforces what was done; states why if that cannot be known. */
export const seeEffect = (
  client: Pick<BailiwickClient, 'enforcementPoints'>,
  done: Stopped,
  waitMs: number,
): Promise<Seen> => awaitEffect(client, done, waitMs).catch(unknown);

/** Waits for the enforcement points of every log that the event is in. */
async function awaitEffect(
  client: Pick<BailiwickClient, 'enforcementPoints'>,
  done: Stopped,
  waitMs: number,
): Promise<Seen> {
  const revocation = done.revocationId === undefined ? {} : { revocation: done.revocationId };
  const queries = done.positions
    ? Object.entries(done.positions).map(([log, position]) => ({ log, position }))
    : [{ position: done.position as number }];
  const answers = queries.map((query) => client.enforcementPoints({ ...query, ...revocation, waitMs }));
  return { enforcement: await Promise.all(answers) };
}

/** Read before anything is done: what is refused must have stopped nothing. */
function waitMs(stated: string): number {
  const ms = Math.round(Number(stated) * 1_000);
  if (!(ms >= 0 && ms <= LIMITS.effectWaitMs))
    throw new UsageError(`--wait must be a number of seconds, at most ${LIMITS.effectWaitMs / 1_000}`);
  return ms;
}
