import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { SignIn } from '@bailiwick/contracts/http/bodies';
import { BailiwickClient } from '@bailiwick/client/client';
import { dataDir, serviceUrl, UsageError, type GlobalOptions } from '../context';
import { green, plain } from '../render';
import { signInWithBrowser } from '../login/code-flow';
import { signInWithDevice } from '../login/device-flow';
import { readMetadata, type Tokens } from '../login/issuer';
import { removeLogin, writeLogin } from '../login/stored-login';

interface LoginFlags extends GlobalOptions {
  issuer?: string;
  device?: boolean;
}

export function addLoginCommands(program: Command): void {
  program
    .command('login')
    .description('sign in at an OpenID Connect issuer that the service trusts; later commands act as this person')
    .option('--issuer <url>', 'the issuer, if the service has several')
    .option('--device', 'sign in on another device with a code')
    .action((_flags, command: Command) => login(command.optsWithGlobals<LoginFlags>()));
  program
    .command('logout')
    .description('forget the person who signed in on this machine')
    .action((_flags, command: Command) => logout(command.optsWithGlobals<GlobalOptions>()));
}

async function login({ issuer, device, ...options }: LoginFlags): Promise<void> {
  const url = serviceUrl(options);
  const { issuers } = await new BailiwickClient({ url, key: '' }).get<{ issuers: SignIn[] }>('/v1/sign-in');
  const signIn = chosen(issuers, issuer);
  const metadata = await readMetadata(signIn.issuer);
  const show = (text: string): void => console.error(text);
  const tokens: Tokens = device
    ? await signInWithDevice(
        signIn,
        metadata,
        ({ address, code }) => show(`Open ${plain(address)} and enter the code ${plain(code)}`),
        (ms) => delay(ms),
      )
    : await signInWithBrowser(signIn, metadata, (address) => show(`Open this address in your browser:\n${address}`));
  writeLogin(dataDir(options), { url, issuer: signIn.issuer, ...tokens });
  const done = { issuer: signIn.issuer, expiresAt: tokens.expiresAt };
  console.log(options.json ? JSON.stringify(done) : `${green('signed in')} until ${tokens.expiresAt}`);
}

function chosen(issuers: readonly SignIn[], named: string | undefined): SignIn {
  const [first, second] = named === undefined ? issuers : issuers.filter(({ issuer }) => issuer === named);
  if (!first)
    throw new UsageError(
      named === undefined
        ? 'the service has no issuer at which the command line can sign in (docs/identity.md); use a key'
        : `the service does not trust ${named} for signing in; it trusts ${issuers.map((each) => each.issuer).join(', ') || 'none'}`,
    );
  if (second) throw new UsageError(`name one with --issuer: ${issuers.map((each) => each.issuer).join(', ')}`);
  return first;
}

function logout(options: GlobalOptions): void {
  const known = removeLogin(dataDir(options));
  console.log(options.json ? JSON.stringify({ signedOut: known }) : known ? 'signed out' : 'no person was signed in');
}
