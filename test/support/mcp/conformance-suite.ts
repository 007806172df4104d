import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request as send, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

export type Revision = '2025-11-25' | '2026-07-28';

const SUITE = join(require.resolve('@modelcontextprotocol/conformance/package.json'), '../dist/index.js');
const PRELOAD = join(__dirname, 'on-node-20.mjs');
const RUNNER = join(__dirname, 'run-scenario.mjs');

interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
}

/** Scenario → its checks, each as `id status`, sorted. Checks that only inform are left out. */
export type Outcome = Readonly<Record<string, readonly string[]>>;

/** Runs the server scenarios of a revision that the suite requires or reports. */
export const runServerScenarios = (url: string, revision: Revision): Promise<Outcome> =>
  run(url, ['--requirements', revision]);

/** Runs one of them. */
export const runServerScenario = (url: string, revision: Revision, scenario: string): Promise<Outcome> =>
  run(url, ['--scenario', scenario, '--spec-version', revision]);

/**
 * Runs one client scenario: the suite is the server.
 * @param control the address of the test process, which is sent the address of that server
 */
export const runClientScenario = (control: string, revision: Revision, scenario: string): Promise<Outcome> => {
  const command = [process.execPath, RUNNER, control].join(' ');
  // extensions are on no timeline of the specification: without `--force` they do not run
  return runSuite(['client', '--command', command, '--scenario', scenario, '--spec-version', revision, '--force']);
};

/** Runs one scenario against an authorization server. */
export const runAuthorizationScenario = (url: string, scenario: string): Promise<Outcome> =>
  runSuite(['authorization', '--url', url, '--scenario', scenario, '--spec-version', '2026-07-28']);

/** The names of the suite's scenarios about authorization, for clients and for authorization servers. */
export async function authorizationScenarios(): Promise<string[]> {
  const args = ['--import', PRELOAD, SUITE, 'list'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return [...stdout.matchAll(/^ +- ((?:auth\/|authorization-)[^ ]+)/gm)].map(([, name]) => name as string).sort();
}

const run = (url: string, which: readonly string[]): Promise<Outcome> => runSuite(['server', '--url', url, ...which]);

async function runSuite(command: readonly string[]): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-conformance-'));
  try {
    const args = ['--import', PRELOAD, SUITE, ...command, '-o', folder];
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    await new Promise((resolve) => child.on('exit', resolve));
    return Object.fromEntries(
      (readdirSync(folder, { recursive: true }) as string[])
        .filter((name) => name.endsWith('/checks.json'))
        .sort()
        .map((name) => [scenarioOf(dirname(name)), checksIn(join(folder, name))]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param folder `server-<scenario>-<time>` */
const scenarioOf = (folder: string): string => folder.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, '');

function checksIn(file: string): string[] {
  const checks = JSON.parse(readFileSync(file, 'utf8')) as Check[];
  return checks
    .filter(({ status }) => status !== 'INFO')
    .map(({ id, status, errorMessage }) => `${id} ${status}${status === 'FAILURE' ? `: ${errorMessage}` : ''}`)
    .sort();
}

/** Starts a proxy that adds a token to each request: the suite has no option for one. */
export async function startTokenProxy(target: string, token: string): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    const headers = { ...request.headers, authorization: `Bearer ${token}` };
    const upstream = send(target, { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode as number, answer.headers);
      answer.pipe(response);
    });
    request.pipe(upstream);
    response.on('close', () => upstream.destroy());
    upstream.on('error', () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, server };
}
