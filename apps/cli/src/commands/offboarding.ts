import type { Command } from 'commander';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import {
  digestOf,
  grownSince,
  isKnown,
  leftAfter,
  orphansIn,
  OTHERS,
  readDigest,
  type ClassPlan,
  type Holdings,
} from '../offboarding/holdings';
import { readHoldings, type Clients } from '../offboarding/read-holdings';
import { offboard, type Revoked, type StepDone } from '../offboarding/steps';
import { bold, green, plain, red, table, yellow } from '../render';
import { addWaitOptions, seenText, seeEffect, type Seen, type WaitFlags } from './effect';
import { withGrowth } from './growth-text';

interface OffboardFlags extends GlobalOptions, WaitFlags {
  owner: string[];
  stop: string[];
  reason?: string;
  digest?: string;
  force?: boolean;
  dryRun?: boolean;
}
const all = (value: string, before: string[]): string[] => [...before, value];

/** Adds the command that ends everything that belongs to a person. */
export function addOffboardCommand(program: Command): void {
  const offboarding = program
    .command('offboard <person>')
    .description('end everything that belongs to a person: leases, requests, keys, sessions, approvals, owned classes');
  addWaitOptions(offboarding)
    .option('--owner <class=person>', 'the new owner of a class, in a new version of the policy; repeatable', all, [])
    .option('--stop <class>', 'end the leases of a class, and refuse new ones; repeatable', all, [])
    .option('--reason <text>', 'for the record')
    .option('--dry-run', 'only show what belongs to them')
    .option('--digest <digest>', 'digest of a dry run; refused if more belongs to them by now')
    .option('--force', 'end what has come since the dry run, too')
    .action((person: string, _flags, command: Command) => run(person, command.optsWithGlobals<OffboardFlags>()));
}

async function run(person: string, options: OffboardFlags): Promise<void> {
  const plan = planOf(options);
  const { reason, json = false, digest: stated, force = false } = options;
  if (!options.dryRun && reason === undefined) throw new UsageError('give the reason with --reason, for the record');
  const clients: Clients = {
    responder: clientFor(options, 'responder'),
    admin: clientFor(options, 'admin'),
    approver: clientFor(options, 'approver'),
  };
  const holdings = await readHoldings(clients, person);
  checkName(holdings);
  checkPlan(holdings, plan);
  const digest = stated ?? digestOf(holdings);
  const shown = readDigest(digest);
  if (!shown) throw new UsageError('--digest is not a digest that `bailiwick offboard … --dry-run` printed');
  const known = isKnown(holdings);
  if (!json) console.log(holdingsText(holdings, plan));
  if (options.dryRun) {
    console.log(
      json ? JSON.stringify({ ...holdings, known, digest }) : `\nto end exactly these, repeat with --digest ${digest}`,
    );
    return;
  }
  const grown = grownSince(holdings, shown);
  if (grown.length > 0 && !force) {
    console.error(bold('since the preview:'));
    for (const each of grown) console.error(`  + ${plain(each)}`);
    throw new Error(
      'more belongs to them than the digest covers; nothing was done: repeat the dry run, or use --force',
    );
  }
  const steps: StepDone[] = [];
  const report = (step: StepDone): void => {
    steps.push(step);
    if (!json) console.log(stepText(step));
  };
  if (!json) console.log();
  const carrying = { holdings, shown, plan, reason: reason as string, force, report };
  const { revoked, issuers } = await offboard(clients, carrying).catch(withGrowth);
  const enforcement = await effects(clients, revoked, options.wait);
  const left = leftAfter(steps, await readHoldings(clients, person), plan);
  if (json) console.log(JSON.stringify({ person, known, steps, revocations: revoked, enforcement, left, issuers }));
  else console.log([...enforcement.map(seenText), '', ...endText(holdings, left, issuers)].join('\n'));
  const isInEffect = enforcement.every(({ enforcement: of }) => of?.every(({ confirmed }) => confirmed) === true);
  if (left.length > 0 || !isInEffect || steps.some(({ failed }) => failed !== undefined)) process.exitCode = 1;
}

const effects = (clients: Clients, revoked: readonly Revoked[], wait: OffboardFlags['wait']): Promise<Seen[]> =>
  wait === false ? Promise.resolve([]) : Promise.all(revoked.map((each) => seeEffect(clients.responder, each, wait)));

/** @throws UsageError for an option that has not the form `class=person`, and for a class in both options */
function planOf({ owner, stop }: OffboardFlags): ClassPlan {
  const owners = new Map<string, string>();
  for (const each of owner) {
    const [, name = '', person = ''] = /^([^=]+)=(.+)$/s.exec(each) ?? [];
    if (name === '' || person === '') throw new UsageError(`--owner must be class=person, not ${JSON.stringify(each)}`);
    owners.set(name, person);
  }
  const stops = new Set(stop);
  for (const name of stops)
    if (owners.has(name)) throw new UsageError(`${JSON.stringify(name)} has a new owner and is stopped; choose one`);
  return { owners, stops };
}

/** A class may name its owner without `user:`. @throws UsageError if nothing else names a person so, since they have it */
function checkName(holdings: Holdings): void {
  const { person } = holdings;
  if (person.includes(':') || isKnown({ ...holdings, classes: [], unread: [] })) return;
  throw new UsageError(
    `no lease, key or approval names ${JSON.stringify(person)}: write the whole name, such as user:${person}`,
  );
}

/** @throws UsageError for classes that are not theirs: nothing of them may end by this command */
function checkPlan({ classes, person }: Holdings, { owners, stops }: ClassPlan): void {
  if (!classes) return;
  const own = new Set(classes.map(({ name }) => name));
  for (const name of [...owners.keys(), ...stops])
    if (!own.has(name)) throw new UsageError(`${JSON.stringify(name)} is not a class that ${person} owns`);
  if (stops.has(OTHERS))
    throw new UsageError('the entry * cannot be stopped, since no selector names it; give it an --owner');
}

function holdingsText(holdings: Holdings, plan: ClassPlan): string {
  const { leases, keys, standing, answered, classes, approvedLeases = 0, issuedKeys = [], unread } = holdings;
  const known = (is: unknown, text: string): string => (is === undefined ? yellow('not known') : text);
  const { grants = 0, runs = 0, inFlight = 0, pendingApprovals = 0 } = leases?.counts ?? {};
  const rows = [
    ['leases', known(leases, `${grants} of ${runs} runs, ${inFlight} calls in flight`)],
    ['requests', known(leases, `${pendingApprovals} wait for approval`)],
    ['keys', known(keys, keys?.map(({ name }) => plain(name)).join(', ') || 'none')],
    ['sessions', 'all that they have in browsers'],
    ['standing approvals', known(standing, String(standing?.length ?? 0))],
    ['answers', known(answered, `${answered?.length ?? 0} to requests that wait for another person`)],
    ['classes', known(classes, classes?.map(({ name }) => classText(name, plan)).join(', ') || 'none')],
  ];
  const notes = [
    ...(isKnown(holdings) ? [] : [unknownText(holdings)]),
    ...orphansIn(holdings, plan).map(
      (name) =>
        `${yellow('!')} ${plain(name)} has no owner afterwards: --owner ${plain(name)}=user:…, or --stop ${plain(name)}`,
    ),
    ...(approvedLeases > 0
      ? [`${approvedLeases} leases that they approved live on; to end them: bailiwick revoke --approver`]
      : []),
    ...(issuedKeys.length > 0
      ? [`keys that they issued to others stay valid: ${issuedKeys.map(plain).join(', ')}`]
      : []),
    ...unread.map(({ part, why }) => `${yellow('!')} ${part}: ${plain(why)}`),
  ];
  return [table(['what belongs to them', ''], rows), ...notes].join('\n');
}

function classText(name: string, { owners, stops }: ClassPlan): string {
  const owner = owners.get(name);
  if (owner !== undefined) return `${plain(name)} (→ ${plain(owner)})`;
  return stops.has(name) ? `${plain(name)} (stops)` : plain(name);
}

const stepText = ({ part, done, failed }: StepDone): string =>
  failed === undefined
    ? `${green('✓')} ${plain(part)}: ${plain(done ?? '')}`
    : `${red('✗')} ${plain(part)}: ${plain(failed)}`;

const unknownText = ({ person }: Holdings): string =>
  `${yellow('!')} nothing here names ${plain(person)}: check the spelling`;

function endText(holdings: Holdings, left: readonly string[], issuers: readonly string[]): string[] {
  const accounts = issuers.map(
    (each) => `${yellow('!')} an account at ${plain(each)} still signs them in: end it there`,
  );
  if (left.length > 0) return [red(bold('left:')), ...left.map((each) => `  ${plain(each)}`), ...accounts];
  const done = isKnown(holdings) ? green(bold('nothing is left here')) : unknownText(holdings);
  return [done, ...accounts];
}
