import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { KeyAnswer } from '@bailiwick/contracts/http/bodies';
import { clientFor, type GlobalOptions } from '../context';
import { green, table } from '../render';

interface AddFlags extends GlobalOptions {
  name: string;
  person?: string;
  role?: string;
  group: string[];
  expires?: string;
  jwks?: string;
}
interface RotateFlags extends GlobalOptions {
  overlap?: string;
  jwks?: string;
}
type IssuedKey = KeyAnswer & { readonly key?: string };

export function addKeyCommands(program: Command): void {
  const keys = program.command('keys').description('API keys of people and services; requires the role admin');
  keys
    .command('add')
    .description('issue a key and print it; it is returned only once')
    .requiredOption('--name <name>', 'one word, by which lists and events name the key')
    .option('--person <person>', 'the person who holds it, such as user:ada@example.com; without one, a service')
    .option('--role <role>', 'admin, orchestrator, enforcer, approver, responder or analyst')
    .option(
      '--group <group>',
      'a group of the holder; repeatable',
      (value: string, all: string[]) => [...all, value],
      [],
    )
    .option('--expires <time>', 'RFC 3339 time after which it is refused')
    .option('--jwks <file>', 'public keys (JWKS) of an OAuth client that signs assertions; no secret is issued')
    .action((_flags, command: Command) => add(command.optsWithGlobals<AddFlags>()));
  keys
    .command('list')
    .description('the keys of the tenant, without their secrets')
    .action((_flags, command: Command) => list(command.optsWithGlobals<GlobalOptions>()));
  keys
    .command('rotate <id>')
    .description('issue a new secret for a key and print it')
    .option(
      '--overlap <duration>',
      'how long the earlier secret stays valid, such as 1h; default 1d, 0s ends it at once',
    )
    .option('--jwks <file>', 'of a client with public keys: the keys that replace them at once')
    .action((id: string, _flags, command: Command) => rotate(id, command.optsWithGlobals<RotateFlags>()));
  keys
    .command('revoke <id>')
    .description('end a key at once')
    .action((id: string, _flags, command: Command) => revoke(id, command.optsWithGlobals<GlobalOptions>()));
}

async function add({ name, person, role, group, expires, jwks, ...options }: AddFlags): Promise<void> {
  const issued = await clientFor(options, 'admin').post<IssuedKey>('/v1/keys', {
    name,
    ...(person === undefined ? {} : { person }),
    ...(role === undefined ? {} : { role }),
    ...(group.length === 0 ? {} : { groups: group }),
    ...(expires === undefined ? {} : { expiresAt: expires }),
    ...readJwks(jwks),
  });
  if (options.json) return console.log(JSON.stringify(issued));
  console.log(`${green('issued')} ${issued.id} to ${issued.person ?? `the service ${issued.name}`}`);
  console.log(issued.key ?? `client_id ${issued.id}`);
}

/** Reads the public keys of a client. @throws Error for a file that is no JSON */
const readJwks = (file: string | undefined): { jwks?: unknown } =>
  file === undefined ? {} : { jwks: JSON.parse(readFileSync(file, 'utf8')) as unknown };

async function list(options: GlobalOptions): Promise<void> {
  const { items } = await clientFor(options, 'admin').get<{ items: KeyAnswer[] }>('/v1/keys');
  if (options.json) return console.log(JSON.stringify(items));
  if (items.length === 0) return console.log('no keys, except those in the credentials of the installation');
  console.log(table(['id', 'name', 'person', 'role', 'status', 'expires', 'last used'], items.map(row)));
}

const row = ({ id, name, person, role, status, expiresAt, overlapUntil, lastUsedAt }: KeyAnswer): string[] => [
  id,
  name,
  person ?? '',
  role ?? '',
  overlapUntil === undefined ? status : `${status}, earlier secret until ${overlapUntil}`,
  expiresAt ?? 'never',
  lastUsedAt ?? 'never',
];

async function rotate(id: string, { overlap, jwks, ...options }: RotateFlags): Promise<void> {
  const body = { ...(overlap === undefined ? {} : { overlap }), ...readJwks(jwks) };
  const issued = await clientFor(options, 'admin').post<IssuedKey>(`/v1/keys/${id}/rotation`, body);
  if (options.json) return console.log(JSON.stringify(issued));
  if (issued.key === undefined) return console.log(`${green('rotated')} ${issued.id}; the earlier public keys ended`);
  const until = issued.overlapUntil === undefined ? 'ended' : `is valid until ${issued.overlapUntil}`;
  console.log(`${green('rotated')} ${issued.id}; the earlier secret ${until}`);
  console.log(issued.key);
}

async function revoke(id: string, options: GlobalOptions): Promise<void> {
  const done = await clientFor(options, 'admin').delete<KeyAnswer>(`/v1/keys/${id}`);
  console.log(options.json ? JSON.stringify(done) : `${green('revoked')} ${done.id} (${done.name})`);
}
