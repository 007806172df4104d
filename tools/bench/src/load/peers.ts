import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stopChild, waitFor } from '@bailiwick/platform/local-servers/child';
import { freePort } from '@bailiwick/platform/local-servers/ports';

/** The programs to compare with. Only a clone of the repository contains them. */
const PEERS = resolve(__dirname, '..', '..', '..', '..', 'test', 'bench', 'peers');
const START_MS = 15_000;

export interface Peer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts a bare Fastify server that sends the JSON body back. */
export async function startEcho(): Promise<Peer> {
  const port = await freePort();
  const child = spawn(process.execPath, [join(PEERS, 'fastify-echo.mjs'), String(port)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return listening(child, port, '/');
}

/** Starts an MCP server over HTTP that does nothing but answer. */
export async function startMcpEcho(): Promise<Peer> {
  const port = await freePort();
  const child = spawn(process.execPath, [join(PEERS, 'mcp-echo.mjs'), String(port)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return listening(child, port, '/');
}

/** Starts a NATS responder that parses a JSON message and sends it back. */
export async function startNatsEcho(
  url: string,
  user: string,
  pass: string,
  subject: string,
): Promise<{ stop(): Promise<void> }> {
  const child = spawn(process.execPath, [join(PEERS, 'nats-echo.mjs'), url, user, pass, subject], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((ready, failed) => {
    child.stdout.once('data', () => ready());
    child.once('exit', (code) => failed(new Error(`the NATS echo exited with ${code}`)));
  });
  return { stop: () => stopChild(child, 'SIGTERM', 2_000) };
}

/** Starts Cerbos with the same policy, with its audit log in a file or off. Logs the reason and returns undefined if it is unavailable. */
export async function startCerbos(audit: boolean, logLine: (text: string) => void): Promise<Peer | undefined> {
  const binary = join(PEERS, 'node_modules', '@cerbos', 'cerbos-linux-x64', 'cerbos-linux-x64');
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    logLine(`Cerbos is not available for ${process.platform}-${process.arch}; skipped`);
    return undefined;
  }
  if (!existsSync(binary)) {
    logLine('fetching Cerbos, as pinned in test/bench/peers/package-lock.json');
    const done = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: PEERS, encoding: 'utf8' });
    if (done.status !== 0) {
      logLine(`fetching Cerbos failed (${done.stderr.trim().split('\n').pop() ?? ''}); skipped`);
      return undefined;
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-cerbos-'));
  const port = await freePort();
  const grpc = await freePort();
  writeFileSync(
    join(folder, 'conf.yaml'),
    JSON.stringify({
      server: { httpListenAddr: `127.0.0.1:${port}`, grpcListenAddr: `127.0.0.1:${grpc}` },
      storage: { driver: 'disk', disk: { directory: join(PEERS, 'cerbos', 'policies'), watchForChanges: false } },
      telemetry: { disabled: true },
      ...(audit
        ? {
            audit: {
              enabled: true,
              accessLogsEnabled: true,
              decisionLogsEnabled: true,
              backend: 'file',
              file: { path: join(folder, 'audit.log') },
            },
          }
        : {}),
    }),
  );
  const child = spawn(binary, ['server', '--config', join(folder, 'conf.yaml'), '--log-level', 'ERROR'], {
    stdio: 'ignore',
  });
  const peer = await listening(child, port, '/_cerbos/health');
  return {
    port,
    stop: async () => {
      await peer.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function listening(child: ChildProcess, port: number, path: string): Promise<Peer> {
  const answers = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}${path}`).then(
      () => true,
      () => false,
    );
  await waitFor('a peer to listen', START_MS, answers);
  return { port, stop: () => stopChild(child, 'SIGTERM', 5_000) };
}
