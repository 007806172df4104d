import type { Command } from 'commander';
import { BailiwickClient } from '@bailiwick/client/client';
import { clientFor, readCredentials, type Credentials, type GlobalOptions } from '../context';

export interface SignInLink {
  readonly url: string;
  readonly expiresAt: string;
}

export function addConsoleCommands(program: Command): void {
  program
    .command('console')
    .description('print a link that signs you in to the console; it is valid once, for ten minutes')
    .action((_flags, command: Command) => printLink(command.optsWithGlobals<GlobalOptions>()));
}

/** With a personal key, a person signs in as themselves; otherwise with the roles of people of this installation. */
async function printLink(options: GlobalOptions): Promise<void> {
  const credentials = readCredentials(options);
  const isOwn = options.key === undefined && options.url === undefined && credentials !== undefined;
  const link = isOwn
    ? await localLink(credentials)
    : await clientFor(options, 'admin').post<SignInLink>('/v1/session-links', { keys: [] });
  console.log(options.json ? JSON.stringify(link) : `${link.url}\n(once, until ${link.expiresAt})`);
}

/** Makes a link with the keys of the roles of people: administration, approvals, revocations and reading. */
export function localLink({ url, keys }: Credentials): Promise<SignInLink> {
  const { admin = '', approver, responder, analyst } = keys;
  const others = [approver, responder, analyst].filter((each) => each !== undefined);
  return new BailiwickClient({ url, key: admin }).post<SignInLink>('/v1/session-links', { keys: others });
}
