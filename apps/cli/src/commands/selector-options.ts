import type { Command } from 'commander';
import type { SelectorBody } from '@bailiwick/contracts/http/bodies';
import { UsageError } from '../context';

/** The options by which a command selects leases; all that are given must match. */
export interface SelectorFlags {
  class?: string;
  instance?: string;
  modelVersion?: string;
  environment?: string;
  image?: string;
  principal?: string;
  approver?: string;
  purpose?: string;
  tool?: string;
  verb?: string;
  resource?: string;
  tree?: string;
  issuedBefore?: string;
  issuedAfter?: string;
  select?: string;
}

const MEMBERS = [
  ['class', 'agentClass'],
  ['instance', 'agentInstance'],
  ['modelVersion', 'modelVersion'],
  ['environment', 'environment'],
  ['image', 'imageDigest'],
  ['principal', 'principal'],
  ['approver', 'approver'],
  ['purpose', 'purpose'],
  ['tool', 'tool'],
  ['verb', 'verb'],
  ['tree', 'treeId'],
  ['issuedBefore', 'issuedBefore'],
  ['issuedAfter', 'issuedAfter'],
] as const;

export const addSelectorOptions = (command: Command): Command =>
  command
    .option('--class <class>', 'agent class')
    .option('--instance <name>', 'agent instance')
    .option('--model-version <version>')
    .option('--environment <name>')
    .option('--image <digest>', 'digest of the image of the agent')
    .option('--principal <person>', 'whose authority')
    .option('--approver <person>', 'whose approval issued the lease')
    .option('--purpose <text>')
    .option('--tool <name>', 'this verb or tool; leases that could use it live on without it')
    .option('--verb <pattern>', 'the same for verbs by pattern, such as deploy.*')
    .option('--resource <type:pattern>', 'leases that could act on such resources, such as repo:acme/**')
    .option('--tree <tree>')
    .option('--issued-before <time>', 'RFC 3339')
    .option('--issued-after <time>', 'RFC 3339')
    .option('--select <json>', 'a whole selector, with all, any and not; the other options are added to it');

/** @throws UsageError if `--select` or `--resource` has another form */
export function selectorOf(flags: SelectorFlags): SelectorBody {
  const named = Object.fromEntries(
    MEMBERS.flatMap(([flag, member]) => (flags[flag] === undefined ? [] : [[member, flags[flag]]])),
  ) as SelectorBody;
  return {
    ...(flags.select === undefined ? {} : parsed(flags.select)),
    ...named,
    ...(flags.resource === undefined ? {} : { resource: resourceOf(flags.resource) }),
  };
}

function parsed(text: string): SelectorBody {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // refused below
  }
  throw new UsageError('--select must be a JSON object, such as {"any":[{"agentClass":"a"},{"agentClass":"b"}]}');
}

function resourceOf(text: string): { type: string; match: string } {
  const colon = text.indexOf(':');
  if (colon < 1 || colon === text.length - 1)
    throw new UsageError('--resource must be <type>:<pattern>, such as repo:acme/**');
  return { type: text.slice(0, colon), match: text.slice(colon + 1) };
}
