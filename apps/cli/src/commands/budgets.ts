import type { Command } from 'commander';
import type { TenantBudgetView, TenantCaps } from '@bailiwick/contracts/budgets/tenant-budget';
import { COUNTERS, type Consumed } from '@bailiwick/contracts/grants/grant';
import { money } from '@bailiwick/core/money';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { readable } from '../names';
import { green, plain, table } from '../render';

interface SetFlags extends GlobalOptions {
  principal?: string;
  class?: string;
  label?: string;
  all?: boolean;
  calls?: string;
  reads?: string;
  writes?: string;
  external?: string;
  cost: string[];
  per?: string;
}

export function addBudgetCommands(program: Command): void {
  const budgets = program
    .command('budgets')
    .description('caps that all matching runs of the tenant draw from together');
  budgets
    .command('list')
    .description('the budgets, and what was drawn from them')
    .action((_flags, command: Command) => list(command.optsWithGlobals<GlobalOptions>()));
  budgets
    .command('show <name>')
    .description('one budget, and what was drawn from it')
    .action((name: string, _flags, command: Command) => show(name, command.optsWithGlobals<GlobalOptions>()));
  budgets
    .command('set <name>')
    .description('set a budget, or change the one of this name, which keeps its usage')
    .option('--principal <person>', 'runs that were requested by this person or service')
    .option('--class <class>', 'trees whose root run has this agent class')
    .option('--label <label>', 'actions that carry this label')
    .option('--all', 'every action of the tenant')
    .option('--calls <n>')
    .option('--reads <n>')
    .option('--writes <n>')
    .option('--external <n>')
    .option('--cost <amount>', 'minor units of a currency, such as USD=5000; repeatable', collect, [])
    .option(
      '--per <duration>',
      'the caps are per rolling window, such as 24h; without it, for the lifetime of the budget',
    )
    .action((name: string, _flags, command: Command) => set(name, command.optsWithGlobals<SetFlags>()));
  budgets
    .command('remove <name>')
    .description('remove a budget with its usage; runs are no longer capped by it')
    .action((name: string, _flags, command: Command) => remove(name, command.optsWithGlobals<GlobalOptions>()));
}

const collect = (value: string, all: string[]): string[] => [...all, value];

async function list(options: GlobalOptions): Promise<void> {
  const listed = await clientFor(options, 'admin').budgets();
  const { items } = listed;
  if (options.json) return console.log(JSON.stringify(items));
  if (items.length === 0) return console.log('no tenant budgets');
  console.log(
    table(
      ['name', 'who draws from it', 'used', 'set by'],
      readable(listed).items.map((each) => [each.name, whoOf(each), usedOf(each).join('; '), each.setBy ?? '']),
    ),
  );
}

async function show(name: string, options: GlobalOptions): Promise<void> {
  const found = await clientFor(options, 'admin').budget(name);
  if (options.json) return console.log(JSON.stringify(found));
  const budget = readable(found);
  console.log(`${budget.name}: ${whoOf(budget)}`);
  for (const line of usedOf(budget)) console.log(`  ${line}`);
  console.log(`  set by ${plain(budget.setBy ?? 'an unknown actor')} at ${budget.setAt} (position ${budget.position})`);
}

async function set(name: string, options: SetFlags): Promise<void> {
  const selector = {
    ...(options.principal === undefined ? {} : { principal: options.principal }),
    ...(options.class === undefined ? {} : { agentClass: options.class }),
    ...(options.label === undefined ? {} : { label: options.label }),
  };
  if ((Object.keys(selector).length === 0) !== (options.all === true))
    throw new UsageError('name --principal, --class or --label, or --all for every action of the tenant');
  const caps = capsOf(options);
  if (Object.keys(caps).length === 0)
    throw new UsageError('name at least one cap: --calls, --reads, --writes, --external, --cost');
  const budget = options.per === undefined ? caps : { windows: [{ per: options.per, ...caps }] };
  const done = await clientFor(options, 'admin').setBudget(name, { selector, budget });
  console.log(options.json ? JSON.stringify(done) : `${green('set')} ${name} at position ${done.position}`);
}

async function remove(name: string, options: GlobalOptions): Promise<void> {
  const done = await clientFor(options, 'admin').removeBudget(name);
  console.log(options.json ? JSON.stringify(done) : `${green('removed')} ${name} at position ${done.position}`);
}

function capsOf(options: SetFlags): Omit<TenantCaps, 'windows'> {
  const counts = COUNTERS.flatMap((counter) =>
    options[counter] === undefined ? [] : [[counter, wholeOf(`--${counter}`, options[counter])] as const],
  );
  const costs = options.cost.map((text) => {
    const [currency = '', amount = ''] = text.split('=');
    return [currency, wholeOf(`--cost ${currency}`, amount)] as const;
  });
  return { ...Object.fromEntries(counts), ...(costs.length > 0 ? { cost: Object.fromEntries(costs) } : {}) };
}

function wholeOf(flag: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${flag} must be a whole number, not ${JSON.stringify(text)}`);
  return Number(text);
}

function whoOf({ selector: { principalRef, principal, agentClass, label } }: TenantBudgetView): string {
  const parts = [
    ...(principalRef === undefined ? [] : [`requested by ${plain(principal ?? `${principalRef} (name erased)`)}`]),
    ...(agentClass === undefined ? [] : [`root class ${plain(agentClass)}`]),
    ...(label === undefined ? [] : [`label ${label}`]),
  ];
  return parts.length === 0 ? 'every action' : parts.join(', ');
}

type Caps = { readonly [K in keyof Omit<TenantCaps, 'windows'>]: TenantCaps[K] };

function usedOf({ budget, consumed, windows }: TenantBudgetView): string[] {
  const lifetime = against(budget, consumed);
  return [
    ...(lifetime.length > 0 ? [lifetime.join(', ')] : []),
    ...(budget.windows ?? []).map((window, i) => {
      const used = windows[i]?.consumed;
      return `per ${window.per}: ${used ? against(window, used).join(', ') : 'unknown'}`;
    }),
  ];
}

const against = (caps: Caps, used: Consumed): string[] => [
  ...COUNTERS.flatMap((counter) =>
    caps[counter] === undefined ? [] : [`${used[counter]}/${caps[counter]} ${counter}`],
  ),
  ...Object.entries(caps.cost ?? {}).map(
    ([currency, cap]) => `${money(used.cost[currency] ?? 0, currency)} of ${money(cap, currency)}`,
  ),
];
