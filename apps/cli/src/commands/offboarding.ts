import type { Command } from 'commander';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import {
  digestOf,
  grownSince,
  leftIn,
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

/** Adds the command that ends everything that hangs on a person. */
export function addOffboardCommand(program: Command): void {
  const offboarding = program
    .command('offboard <person>')
    .description('end everything that hangs on a person: leases, requests, keys, sessions, approvals, owned classes');
  addWaitOptions(offboarding)
    .option('--owner <class=person>', 'the new owner of a class, in a new version of the policy; repeatable', all, [])
    .option('--stop <class>', 'end the leases of a class, and refuse new ones; repeatable', all, [])
    .option('--reason <text>', 'for the record')
    .option('--dry-run', 'only show what hangs on them')
    .option('--digest <digest>', 'digest of a dry run; refused if more hangs on them by now')
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
  checkPlan(holdings, plan);
  const digest = stated ?? digestOf(holdings);
  const shown = readDigest(digest);
  if (!shown) throw new UsageError('--digest is not a digest that `bailiwick offboard … --dry-run` printed');
  if (!json) console.log(holdingsText(holdings, plan));
  if (options.dryRun) {
    console.log(
      json ? JSON.stringify({ ...holdings, digest }) : `\nto end exactly these, repeat with --digest ${digest}`,
    );
    return;
  }
  const grown = grownSince(holdings, shown);
  if (grown.length > 0 && !force) {
    console.error(bold('since the preview:'));
    for (const each of grown) console.error(`  + ${plain(each)}`);
    throw new Error('more hangs on them than the digest covers; nothing was done: repeat the dry run, or use --force');
  }
  const steps: StepDone[] = [];
  const report = (step: StepDone): void => {
    steps.push(step);
    if (!json) console.log(stepText(step));
  };
  if (!json) console.log();
  const carrying = { holdings, shown, plan, reason: reason as string, force, report };
  const revoked = await offboard(clients, carrying).catch(withGrowth);
  const enforcement = await effects(clients, revoked, options.wait);
  const left = leftIn(await readHoldings(clients, person), plan);
  if (json) console.log(JSON.stringify({ person, steps, revocations: revoked, enforcement, left }));
  else console.log(endText(enforcement, left));
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
  const { leases, keys, standing, classes, approvedLeases = 0, issuedKeys = [], unread } = holdings;
  const known = (is: unknown, text: string): string => (is === undefined ? yellow('not known') : text);
  const { grants = 0, runs = 0, inFlight = 0, pendingApprovals = 0 } = leases?.counts ?? {};
  const rows = [
    ['leases', known(leases, `${grants} of ${runs} runs, ${inFlight} calls in flight`)],
    ['requests', known(leases, `${pendingApprovals} wait for approval`)],
    ['keys', known(keys, keys?.map(({ name }) => plain(name)).join(', ') || 'none')],
    ['sessions', 'all that they have in browsers'],
    ['standing approvals', known(standing, String(standing?.length ?? 0))],
    ['classes', known(classes, classes?.map(({ name }) => classText(name, plan)).join(', ') || 'none')],
  ];
  const notes = [
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
  return [table(['what hangs on them', ''], rows), ...notes].join('\n');
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

function endText(enforcement: readonly Seen[], left: readonly string[]): string {
  const seen = enforcement.map(seenText);
  if (left.length === 0) return [...seen, '', green(bold('nothing is left'))].join('\n');
  return [...seen, '', red(bold('left:')), ...left.map((each) => `  ${plain(each)}`)].join('\n');
}
