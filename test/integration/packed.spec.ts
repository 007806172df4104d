import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import { receiptOf, VKEY } from '@bailiwick/receipts/testing/sealed-log';

const ROOT = resolve(__dirname, '..', '..');

interface Manifest {
  readonly name: string;
  readonly dependencies?: Record<string, string>;
  readonly peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

/** Builds a project with only the packed libraries and the third-party packages that they declare. */
describe('a project that installs the packed libraries', () => {
  let project: string;
  const manifests = new Map<string, Manifest>();
  beforeAll(() => {
    project = mkdtempSync(join(tmpdir(), 'bailiwick-packed-'));
    const packs = join(project, 'packs');
    run(process.execPath, [join(ROOT, 'scripts', 'pack.mjs'), packs], ROOT);
    for (const file of readdirSync(packs)) {
      const unpacked = mkdtempSync(join(project, 'unpacked-'));
      run('tar', ['-xzf', join(packs, file), '-C', unpacked], project);
      const manifest = JSON.parse(readFileSync(join(unpacked, 'package', 'package.json'), 'utf8')) as Manifest;
      manifests.set(manifest.name, manifest);
      install(manifest.name, join(unpacked, 'package'));
    }
    const declared = new Set([...manifests.values()].flatMap(({ dependencies }) => Object.keys(dependencies ?? {})));
    for (const name of declared) if (!name.startsWith('@bailiwick/')) install(name, join(ROOT, 'node_modules', name));
    writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
  }, 180_000);
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  function install(name: string, from: string): void {
    const target = join(project, 'node_modules', name);
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(from, target);
  }
  function run(command: string, args: readonly string[], cwd: string): string {
    const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} exited with ${status}: ${stdout}${stderr}`);
    return stdout;
  }
  const script = (name: string, text: string): string => {
    writeFileSync(join(project, name), text);
    return run(process.execPath, ['--preserve-symlinks', name], project);
  };

  it('has the client, the receipt verifier and what they depend on, and no other library', () => {
    expect([...manifests.keys()].sort()).toEqual([
      '@bailiwick/client',
      '@bailiwick/contracts',
      '@bailiwick/core',
      '@bailiwick/receipts',
    ]);
  });

  it('verifies a receipt, in pure JavaScript and with the hashing of Node, and refuses a forged one', () => {
    const { log, runId } = busyRun();
    writeFileSync(join(project, 'receipt.json'), JSON.stringify(receiptOf(log, runId)));
    for (const verifier of ['verify', 'web/index'])
      expect(
        script(
          'verify.mjs',
          `import { readFileSync } from 'node:fs';
           import { verifyReceipt } from '@bailiwick/receipts/${verifier}';
           const text = readFileSync('receipt.json', 'utf8');
           const forged = JSON.parse(text);
           forged.payload = Buffer.from(Buffer.from(forged.payload, 'base64').toString().replace('file.', 'fiie.')).toString('base64');
           console.log(verifyReceipt(text, ${JSON.stringify(VKEY)}).ok, verifyReceipt(forged, ${JSON.stringify(VKEY)}).ok);`,
        ).trim(),
      ).toBe('true false');
  });

  it('calls a server with the client and reads its problem as an error with a code', async () => {
    const server: Server = createServer((_request, response) => {
      response.writeHead(404, { 'content-type': 'application/problem+json' });
      response.end(JSON.stringify({ status: 404, code: 'NOT_FOUND', detail: 'no such run' }));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    try {
      const text = `import { BailiwickClient } from '@bailiwick/client/client';
        const client = new BailiwickClient({ url: 'http://127.0.0.1:${(server.address() as AddressInfo).port}', key: 'key' });
        await client.run('run_0_00000000000000000000000001').catch(({ status, code }) => console.log(status, code));`;
      writeFileSync(join(project, 'call.mjs'), text);
      const child = spawn(process.execPath, ['--preserve-symlinks', 'call.mjs'], { cwd: project });
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()));
      await new Promise((closed) => child.once('close', closed));
      expect(out.trim()).toBe('404 NOT_FOUND');
    } finally {
      server.close();
    }
  });

  it('guards tools without any agent framework, and needs one only for its adapter', () => {
    const text = `import { openRun } from '@bailiwick/client/run';
      import { guardClient } from '@bailiwick/client/mcp';
      import { guardTools } from '@bailiwick/client/ai-sdk';
      console.log(typeof openRun, typeof guardClient, typeof guardTools);
      for (const adapter of ['langchain', 'openai-agents'])
        await import('@bailiwick/client/' + adapter).catch(({ code }) => console.log(code));`;
    const optional = { optional: true };
    expect(manifests.get('@bailiwick/client')?.peerDependenciesMeta).toMatchObject({
      ai: optional,
      langchain: optional,
    });
    const lines = script('guards.mjs', text).trim().split('\n');
    expect(lines).toEqual(['function function function', 'MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']);
  });

  it('has the types of both libraries', () => {
    writeFileSync(
      join(project, 'types.mts'),
      `import { BailiwickClient } from '@bailiwick/client/client';
       import { guardClient } from '@bailiwick/client/mcp';
       import type { Run, ToolRules } from '@bailiwick/client/run';
       import { verifyReceipt } from '@bailiwick/receipts/web/index';
       declare const run: Run;
       const rules: ToolRules = { read: { verb: 'file.read', resource: ({ path }: { path: string }) => ({ type: 'file', id: path }) } };
       const read = run.guard({ ...rules.read!, name: 'read', run: ({ path }: { path: string }, { signal }) => [path, signal] });
       const result: Promise<(string | AbortSignal)[]> = read({ path: 'a.md' });
       void [result, guardClient];
       const client: BailiwickClient = new BailiwickClient({ url: 'http://127.0.0.1:8420', key: 'key' });
       const ok: boolean = verifyReceipt({}, '').ok;
       // @ts-expect-error a run's id is a text
       void client.run(5);
       console.log(ok);`,
    );
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const flags = ['--module', 'nodenext', '--strict', '--noEmit', '--preserveSymlinks', '--types', 'node'];
    install('@types/node', join(ROOT, 'node_modules', '@types', 'node'));
    install('undici-types', join(ROOT, 'node_modules', 'undici-types'));
    run(process.execPath, [tsc, ...flags, '--target', 'es2022', '--lib', 'es2023,dom', 'types.mts'], project);
  });
});
