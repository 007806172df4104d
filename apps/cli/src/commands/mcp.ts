import type { Command } from 'commander';
import { waitFor } from '@bailiwick/platform/local-servers/child';
import { clientFor, dataDir, UsageError, type GlobalOptions } from '../context';
import { registerServer, unregisterServer } from '../mcp/registration';
import { pairs, several } from '../names-and-values';
import { bold, dim, green, red, table, yellow } from '../render';
import { readStatus } from '../up/supervisor';

interface AddFlags extends GlobalOptions {
  url?: string;
  header: string[];
  secret: string[];
  env: string[];
  tool: string[];
  file?: boolean;
  tenant: string;
}
interface ListedServer {
  readonly name: string;
  readonly source: 'file' | 'api';
  readonly upstream: { readonly url: string } | { readonly command: string; readonly args: number };
}
interface ComparedTool {
  readonly name: string;
  readonly status: 'approved' | 'new' | 'changed' | 'removed' | 'unusable';
  readonly definition?: string;
  readonly approvedDefinition?: string;
  readonly fault?: string;
  readonly warnings: readonly string[];
}
interface Shown {
  readonly name: string;
  readonly digest?: string;
  readonly fault?: string;
  readonly pinned: { readonly digest: string; readonly approvedAt: string; readonly approvedBy: string } | null;
  readonly tools: readonly ComparedTool[];
}

const START_MS = 60_000;

export function addMcpCommands(program: Command): void {
  const mcp = program.command('mcp').description('MCP servers that agents reach through the boundary');
  mcp
    .command('add <name> [command...]')
    .description(
      'register a server: an address, or a command after --, which is written to mcp.json of the data folder',
    )
    .option('--url <url>', 'its address (Streamable HTTP)')
    .option('--header <name: value>', 'sent to the address with each request; repeatable', several, [])
    .option(
      '--secret <name: secret>',
      'a header whose value mcp-secrets.json lists under this name; repeatable',
      several,
      [],
    )
    .option('--tool <name>', 'the only tools that exist for agents; repeatable', several, [])
    .option('--file', 'write an address to mcp.json too: the operator may name one in a private network')
    .option('--env <NAME=value>', 'set in the environment of the command; repeatable', several, [])
    .option('--tenant <tenant>', 'the tenant of a server in mcp.json', 'default')
    .action((name: string, words: string[], _flags, command: Command) =>
      add(name, words, command.optsWithGlobals<AddFlags>()),
    );
  mcp
    .command('remove <name>')
    .description('remove a server, its credentials, and what was approved of it')
    .action((name: string, _flags, command: Command) => remove(name, command.optsWithGlobals<GlobalOptions>()));
  mcp
    .command('list')
    .description('the registered servers, and whether their tools are approved')
    .action((_flags, command: Command) => list(command.optsWithGlobals<GlobalOptions>()));
  mcp
    .command('diff <name>')
    .description('what a server offers, compared with what is approved, and what is suspicious in it')
    .action((name: string, _flags, command: Command) => diff(name, command.optsWithGlobals<GlobalOptions>()));
  mcp
    .command('approve <name>')
    .description('approve exactly what a server offers now')
    .option('--digest <digest>', 'the one that `diff` printed; another offer is not approved')
    .action((name: string, _flags, command: Command) =>
      approve(name, command.optsWithGlobals<GlobalOptions & { digest?: string }>()),
    );
  mcp
    .command('infer <name>')
    .description('propose entries of the catalog for the tools of a server, as YAML to review')
    .action((name: string, _flags, command: Command) => infer(name, command.optsWithGlobals<GlobalOptions>()));
}

async function add(name: string, words: string[], flags: AddFlags): Promise<void> {
  const { url, header, secret, env, tool, file, tenant, ...options } = flags;
  const [program, ...args] = words;
  if ((url === undefined) === (program === undefined))
    throw new UsageError('name either --url, or a command after --, such as: bailiwick mcp add files -- npx server');
  const headers = {
    ...pairs(header, ':', '--header'),
    ...Object.fromEntries(
      Object.entries(pairs(secret, ':', '--secret')).map(([key, value]) => [key, { secret: value }]),
    ),
  };
  const settings = {
    upstream: url === undefined ? { command: program as string, args, env: pairs(env, '=', '--env') } : { url },
    ...(Object.keys(headers).length === 0 ? {} : { credentials: { headers } }),
    ...(tool.length === 0 ? {} : { tools: tool }),
  };
  const dir = dataDir(options);
  if (url !== undefined && file !== true) await clientFor(options, 'admin').put(pathOf(name), settings);
  else registerServer(dir, name, { tenant, ...settings });
  if (readStatus(dir))
    await waitFor('the boundary to start', START_MS, () => Promise.resolve(readStatus(dir)?.boundary !== undefined));
  const at = readStatus(dir)?.boundary;
  console.log(`${green('registered')} ${name}${at === undefined ? '' : ` at ${at}/mcp/${name}`}`);
  console.log(dim(`its tools are in quarantine until you approve them: bailiwick mcp diff ${name}`));
}

/** Removes a server where it is registered: in `mcp.json` of the data folder, or over the API. */
async function remove(name: string, options: GlobalOptions): Promise<void> {
  if (!unregisterServer(dataDir(options), name)) await clientFor(options, 'admin').delete(pathOf(name));
  console.log(`${green('removed')} ${name}`);
}

const pathOf = (name: string): string => `/v1/mcp/servers/${encodeURIComponent(name)}`;

const read = (name: string, options: GlobalOptions): Promise<Shown> =>
  clientFor(options, 'admin').get<Shown>(pathOf(name));

async function list(options: GlobalOptions): Promise<void> {
  const { items } = await clientFor(options, 'admin').get<{ items: ListedServer[] }>('/v1/mcp/servers');
  const servers = await Promise.all(items.map(async (each) => ({ ...each, ...(await read(each.name, options)) })));
  if (options.json) return console.log(JSON.stringify(servers));
  if (servers.length === 0) return console.log('no MCP servers are registered');
  console.log(table(['server', 'upstream', 'in', 'state', 'tools', 'in quarantine', 'approved'], servers.map(row)));
}

function row({ name, source, upstream, digest, fault, pinned, tools }: Shown & ListedServer): string[] {
  const waiting = tools.filter(({ status }) => status !== 'approved').length;
  const state = fault ?? (pinned?.digest === digest ? 'approved' : 'in quarantine');
  const at = 'url' in upstream ? upstream.url : upstream.command;
  const where = source === 'file' ? 'mcp.json' : 'API';
  return [name, at, where, state, String(tools.length), String(waiting), pinned?.approvedAt ?? ''];
}

async function diff(name: string, options: GlobalOptions): Promise<void> {
  const shown = await read(name, options);
  if (options.json) return console.log(JSON.stringify(shown));
  if (shown.fault !== undefined) console.log(red(shown.fault));
  for (const tool of shown.tools.filter(({ status, warnings }) => status !== 'approved' || warnings.length > 0))
    console.log(toolText(tool));
  console.log(
    shown.pinned?.digest === shown.digest
      ? 'exactly this is approved'
      : `approve with: bailiwick mcp approve ${name} --digest ${shown.digest ?? ''}`,
  );
}

/** Shows a tool. Its texts are those of a third party: they are printed as JSON, so that they cannot address a terminal. */
function toolText({ name, status, definition, approvedDefinition, fault, warnings }: ComparedTool): string {
  return [
    `${bold(JSON.stringify(name).slice(1, -1))} ${status}`,
    ...(fault === undefined ? [] : [red(`  ${JSON.stringify(fault)}`)]),
    ...warnings.map((each) => yellow(`  warning: ${each}`)),
    ...(approvedDefinition === undefined ? [] : [`  - ${safe(approvedDefinition)}`]),
    ...(definition === undefined || status === 'approved' ? [] : [`  + ${safe(definition)}`]),
  ].join('\n');
}

/** Writes what a terminal would not show, or would act on, as escapes. */
const safe = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );

async function approve(name: string, { digest, ...options }: GlobalOptions & { digest?: string }): Promise<void> {
  const seen = digest ?? (await read(name, options)).digest;
  if (seen === undefined) throw new Error(`${name} does not answer, so there is nothing to approve`);
  const path = `${pathOf(name)}/approval`;
  const pin = await clientFor(options, 'admin').post<{ tools: Record<string, string> }>(path, { digest: seen });
  if (options.json) return console.log(JSON.stringify(pin));
  console.log(`${green('approved')} ${Object.keys(pin.tools).length} tools of ${name}`);
}

async function infer(name: string, options: GlobalOptions): Promise<void> {
  const { proposalsFor } = await import('../mcp/proposals.js');
  const { tools } = await read(name, options);
  const definitions = tools.flatMap(({ status, definition }) =>
    definition === undefined || status === 'unusable' ? [] : [definition],
  );
  const proposals = proposalsFor(name, definitions);
  if (options.json) return console.log(JSON.stringify(proposals));
  console.log(
    '# proposed from the names of the tools; annotations of the server only made entries stricter. Review each:',
  );
  console.log('# state the resource that a call reaches (resource: { type: file, id: "{/path}" }), and what it may do');
  console.log('catalog:');
  for (const { tools: names, verb, effects, risk, labels } of proposals) {
    console.log(`  - tools: [${(names ?? []).join(', ')}]`);
    console.log(`    verb: ${verb ?? ''}`);
    console.log(`    effects: [${effects.join(', ')}]`);
    console.log(`    risk: ${risk}`);
    if (labels !== undefined) console.log(`    labels: [${labels.map((each) => JSON.stringify(each)).join(', ')}]`);
  }
}
