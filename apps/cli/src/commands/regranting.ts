import type { Command } from 'commander';
import { counted } from '@bailiwick/authority/presentation/text';
import type { BailiwickClient } from '@bailiwick/client/client';
import type { EventItem } from '@bailiwick/client/client';
import { COUNTERS, type Limits } from '@bailiwick/contracts/grants/grant';
import type { RegrantProposal, RegrantsAnswer } from '@bailiwick/contracts/revocations/regrants';
import { LIMITS } from '@bailiwick/core/limits';
import { marked } from '@bailiwick/core/look-alike';
import { costText } from '@bailiwick/core/money';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { dim, green, plain, red, table } from '../render';

interface RegrantFlags extends GlobalOptions {
  accept: string[];
  acceptAll?: boolean;
  expires?: string;
}
interface Accepted {
  readonly grantId: string;
  readonly run?: { readonly id: string };
  readonly approval?: { readonly id: string };
  readonly error?: { readonly code: string; readonly detail: string };
}

/** A revocation, with what the root leases that it ended could get again. */
interface Listed {
  readonly revocationId: string;
  readonly items: readonly RegrantProposal[];
  readonly delegated: number;
}

/** Adds the command that proposes what ended leases could get again, and asks people for it. */
export function addRegrantCommand(program: Command): void {
  program
    .command('regrant <revocation>')
    .description('list what the leases that a revocation, or an incident, ended could get again; ask people for it')
    .option('--accept <grant>', 'ask for this one; repeatable', (value: string, all: string[]) => [...all, value], [])
    .option('--accept-all', 'ask for each that can be granted again')
    .option('--expires <time>', 'RFC 3339 end of the new leases; left out: that of each ended one')
    .action((id: string, _flags, command: Command) => regrant(id, command.optsWithGlobals<RegrantFlags>()));
}

async function regrant(id: string, options: RegrantFlags): Promise<void> {
  const { accept, acceptAll = false, expires, json = false } = options;
  const client = clientFor(options, 'orchestrator');
  const ids = id.startsWith('rev_') ? [id] : await revocationsOf(clientFor(options, 'analyst'), id);
  if (ids.length === 0) throw new Error(`no revocation names the incident ${id}`);
  const listed: Listed[] = [];
  for (const each of ids) listed.push(await listOf(client, each, expires));
  const all = listed.flatMap(({ items }) => items);
  for (const grantId of accept)
    if (!all.some((each) => each.grantId === grantId))
      throw new UsageError(`${grantId} is no root lease that ${id} ended`);
  if (!json || (accept.length === 0 && !acceptAll)) show(listed, json);
  if (accept.length === 0 && !acceptAll) return;
  const wanted = ({ grantId, proposed, regrantedAs }: RegrantProposal): boolean =>
    accept.includes(grantId) || (acceptAll && proposed !== undefined && regrantedAs === undefined);
  const done: Accepted[] = [];
  for (const { revocationId, items } of listed)
    done.push(...(await ask(client, revocationId, items.filter(wanted), expires)));
  if (json) console.log(JSON.stringify(done));
  else console.log(['', ...done.map(doneText)].join('\n'));
  if (done.some(({ error }) => error !== undefined)) process.exitCode = 1;
}

/** Asks for the leases, as many at a time as one request takes. */
async function ask(
  client: BailiwickClient,
  revocationId: string,
  proposals: readonly RegrantProposal[],
  expiresAt: string | undefined,
): Promise<Accepted[]> {
  const done: Accepted[] = [];
  for (let at = 0; at < proposals.length; at += LIMITS.regrantsPage) {
    const accept = proposals.slice(at, at + LIMITS.regrantsPage).map(({ grantId }) => grantId);
    const body = { accept, ...(expiresAt === undefined ? {} : { expiresAt }) };
    done.push(...(await client.post<{ items: Accepted[] }>(`/v1/revocations/${revocationId}/regrants`, body)).items);
  }
  return done;
}

async function listOf(client: BailiwickClient, revocationId: string, expires: string | undefined): Promise<Listed> {
  const items: RegrantProposal[] = [];
  let delegated = 0;
  const until = expires === undefined ? '' : `&expiresAt=${encodeURIComponent(expires)}`;
  for (let after = ''; ;) {
    const page = await client.get<RegrantsAnswer>(
      `/v1/revocations/${revocationId}/regrants?limit=${LIMITS.regrantsPage}${after}${until}`,
    );
    items.push(...page.items);
    delegated += page.delegated;
    if (page.next === null) return { revocationId, items, delegated };
    after = `&after=${page.next}`;
  }
}

/** Returns the revocations that name an incident, in order. */
async function revocationsOf(client: BailiwickClient, incident: string): Promise<string[]> {
  const found: string[] = [];
  for (let after = -1; ;) {
    const page = await client.events({ type: 'RevocationRuleAdded', after, limit: 1_000 });
    for (const { data } of page.items as (EventItem & { data: Named })[])
      if (data.incident === incident && data.mode !== 'suspend') found.push(data.revocationId);
    if (page.next === null) return found;
    after = Number(page.next);
  }
}
interface Named {
  readonly revocationId: string;
  readonly incident?: string;
  readonly mode?: 'suspend';
}

function show(listed: readonly Listed[], json: boolean): void {
  if (json) return console.log(JSON.stringify(listed));
  for (const { revocationId, items, delegated } of listed) {
    console.log(revocationId);
    if (items.length > 0)
      console.log(table(['lease', 'class', 'for', 'held', 'used', 'would get', 'until'], items.map(row)));
    if (delegated > 0) console.log(dim(`${delegated} more were delegated: their parents can delegate them again`));
    if (items.length + delegated === 0) console.log('it ended no leases');
  }
}

function row({ grantId, agent, requestedBy, held, used, proposed, whyNot, regrantedAs }: RegrantProposal): string[] {
  const state = regrantedAs === undefined ? plain(whyNot ?? '') : `granted again as ${regrantedAs}`;
  return [
    grantId,
    marked(agent.class),
    plain(requestedBy ?? 'an erased person'),
    capsText(held.budget),
    capsText(used),
    proposed && regrantedAs === undefined ? capsText(proposed.budget) : red(state),
    proposed?.time.expiresAt ?? '',
  ];
}

/** Each cap, or amount, that is not zero. */
function capsText({
  cost,
  units = {},
  ...counts
}: Pick<Limits['budget'], (typeof COUNTERS)[number] | 'cost' | 'units'>) {
  const parts = [
    ...COUNTERS.flatMap((each) => (counts[each] > 0 ? [counted(counts[each], NOUNS[each])] : [])),
    costText(cost, ''),
    ...Object.entries(units).map(([unit, count]) => `${count} ${plain(unit)}`),
  ].filter((each) => each !== '');
  return parts.join(', ') || 'nothing';
}

const NOUNS = { calls: 'call', reads: 'read', writes: 'write', external: 'external call' } as const;

const doneText = ({ grantId, run, approval, error }: Accepted): string =>
  error
    ? `${red('✗')} ${grantId}: ${plain(error.detail)} [${error.code}]`
    : `${green('✓')} ${grantId}: run ${run?.id ?? ''} waits for approval ${approval?.id ?? ''}`;
