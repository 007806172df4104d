import type { Command } from 'commander';
import type { RevocationInForce } from '@bailiwick/contracts/revocations/record';
import { clientFor, type GlobalOptions } from '../context';
import { plain, table } from '../render';

/** Adds the commands that show which suspensions and quarantines apply, and lift a quarantine. */
export function addInForceCommands(program: Command): void {
  program
    .command('revocations')
    .description('list the suspensions by selector and the quarantines that apply now, newest first')
    .action(async (_flags, command: Command) => list(command.optsWithGlobals<GlobalOptions>()));
  program
    .command('lift <revocation>')
    .description('lift the quarantine of a revocation: new leases that match are issued again')
    .action(async (id: string, _flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const done = await clientFor(options, 'responder').liftQuarantine(id);
      console.log(options.json ? JSON.stringify(done) : `lifted the quarantine of ${done.revocationId}`);
    });
}

async function list(options: GlobalOptions): Promise<void> {
  const client = clientFor(options, 'responder');
  const items: RevocationInForce[] = [];
  for (let before: number | undefined; ;) {
    const page = await client.revocationsInForce(before);
    items.push(...page.items);
    if (page.next === null) break;
    before = page.next;
  }
  if (options.json) return console.log(JSON.stringify({ items }));
  if (items.length === 0) return console.log('nothing is suspended by selector or quarantined');
  console.log(table(['revocation', 'does', 'selector', 'since', 'until', 'by', 'reason'], items.map(row)));
  const kinds = [
    items.some(isSuspension) && 'end a suspension: bailiwick resume rev_…',
    items.some((each) => !isSuspension(each)) && 'lift a quarantine: bailiwick lift rev_…',
  ].filter((each) => each !== false);
  console.log(['', ...kinds].join('\n'));
}

const isSuspension = ({ mode }: RevocationInForce): boolean => mode === 'suspend';

function row(each: RevocationInForce): string[] {
  const { revocationId, selector = {}, until, at, by, reason, incident } = each;
  const why = [incident, reason].filter((part) => part !== undefined).join(': ');
  return [revocationId, doesText(each), selectorText(selector), at ?? '', until ?? '', plain(by ?? ''), plain(why)];
}

function doesText({ mode, target, quarantine }: RevocationInForce): string {
  const held = target === 'tool' ? 'denies it' : 'suspends';
  if (mode === 'suspend') return quarantine ? `${held}, refuses new` : held;
  return target === 'tool' ? 'denies it to new, too' : 'refuses new';
}

/** `agentClass=browser-agent, modelVersion=2026-06`; groups as JSON. */
const selectorText = (selector: Readonly<Record<string, unknown>>): string =>
  Object.entries(selector)
    .map(([name, value]) => plain(`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`))
    .join(', ');
