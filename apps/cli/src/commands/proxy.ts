import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { waitFor } from '@bailiwick/platform/local-servers/child';
import { dataDir, UsageError, type GlobalOptions } from '../context';
import { checkName, readHttpFile, registerApi } from '../http/http-registration';
import { pairs, several } from '../names-and-values';
import { dim, green, table } from '../render';
import { readStatus } from '../up/supervisor';

interface AddFlags extends GlobalOptions {
  upstream?: string;
  header: string[];
  pass: string[];
  body?: boolean;
  tenant: string;
}

const START_MS = 60_000;

export function addProxyCommands(program: Command): void {
  const proxy = program.command('proxy').description('HTTP APIs that agents reach through the boundary');
  proxy
    .command('add <name>')
    .description('register an API in http.json of the data folder')
    .option('--upstream <url>', 'the address below which the API is')
    .option('--header <name: value>', 'sent to the API with each request; repeatable', several, [])
    .option(
      '--pass <name>',
      'a header of agents that is passed on in addition to the usual ones; repeatable',
      several,
      [],
    )
    .option('--body', 'the proxy that asks for authorization (Envoy) sends the body')
    .option('--tenant <tenant>', 'the tenant that it belongs to', 'default')
    .action((name: string, _flags, command: Command) => add(name, command.optsWithGlobals<AddFlags>()));
  proxy
    .command('list')
    .description('the registered APIs')
    .action((_flags, command: Command) => list(command.optsWithGlobals<GlobalOptions>()));
  proxy
    .command('infer <name> <file>')
    .description('propose entries of the catalog from an OpenAPI 3 document, as YAML to review')
    .action((name: string, file: string, _flags, command: Command) =>
      infer(name, file, command.optsWithGlobals<GlobalOptions>()),
    );
}

async function add(name: string, { upstream, header, pass, body, tenant, ...options }: AddFlags): Promise<void> {
  if (upstream === undefined || !/^https?:\/\//.test(upstream) || !URL.canParse(upstream))
    throw new UsageError('state the address of the API: --upstream https://crm.example/v2');
  const dir = dataDir(options);
  registerApi(dir, name, {
    tenant,
    upstream: { url: upstream },
    ...(header.length === 0 ? {} : { credentials: { headers: pairs(header, ':', '--header') } }),
    ...(pass.length === 0 ? {} : { headers: pass }),
    ...(body === true ? { authorizedBody: 'sent' } : {}),
  });
  if (readStatus(dir))
    await waitFor('the boundary to start', START_MS, () => Promise.resolve(readStatus(dir)?.boundary !== undefined));
  const at = readStatus(dir)?.boundary;
  console.log(`${green('registered')} ${name}${at === undefined ? '' : ` at ${at}/http/${name}`}`);
  console.log(dim(`a route that no entry of the policy names is denied: bailiwick proxy infer ${name} openapi.yaml`));
}

function list(options: GlobalOptions): void {
  const { apis = {} } = readHttpFile(dataDir(options));
  const shown = Object.entries(apis).map(([name, { tenant, upstream }]) => ({ name, tenant, upstream: upstream.url }));
  if (options.json) return console.log(JSON.stringify(shown));
  if (shown.length === 0) return console.log('no APIs are registered');
  console.log(
    table(
      ['API', 'tenant', 'upstream'],
      shown.map(({ name, tenant, upstream }) => [name, tenant, upstream]),
    ),
  );
}

async function infer(name: string, file: string, options: GlobalOptions): Promise<void> {
  checkName(name);
  const { readOpenApi } = await import('../http/open-api.js');
  const { proposalsFor } = await import('../http/proposals.js');
  const { operations, left } = await readOpenApi(readFileSync(file, 'utf8'));
  const proposals = proposalsFor(name, operations);
  if (options.json) return console.log(JSON.stringify({ catalog: proposals, left }));
  console.log('# proposed from names, methods and paths; a method only made entries stricter. Review each:');
  console.log(
    '# state what a call costs, and the resource if its name is in the query or the body (/query/id, /body/id)',
  );
  for (const each of left) console.log(`# left out: ${each}`);
  console.log('catalog:');
  for (const { tools, verb, effects, risk, labels, resource } of proposals) {
    console.log(`  - tools: [${(tools ?? []).map((each) => JSON.stringify(each)).join(', ')}]`);
    console.log(`    verb: ${verb ?? ''}`);
    console.log(`    effects: [${effects.join(', ')}]`);
    console.log(`    risk: ${risk}`);
    if (labels !== undefined) console.log(`    labels: [${labels.map((each) => JSON.stringify(each)).join(', ')}]`);
    if (resource !== undefined)
      console.log(`    resource: { type: ${JSON.stringify(resource.type)}, id: ${JSON.stringify(resource.id)} }`);
  }
}
