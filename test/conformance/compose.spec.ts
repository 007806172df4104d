import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { writeDeployment } from '../../apps/cli/src/up/deploy';

const ROOT = resolve(__dirname, '..', '..');
const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
const all = (pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found]) => found as string);
const unique = (names: readonly string[]): string[] => [...new Set(names)].sort();

/** Checks docker-compose.yml against what `bailiwick setup` writes; Docker is not needed. */
describe('docker-compose.yml', () => {
  const dir = mkdtempSync(join(tmpdir(), 'bailiwick-compose-'));
  const [nats = ''] = all(/--nats=(\S+)/g);
  beforeAll(() => {
    const listen = { host: '0.0.0.0', port: 8420 };
    writeDeployment({ out: dir, postgres: 'postgres:5432', nats, url: 'http://127.0.0.1:8420', listen });
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it('mounts every folder that setup writes', () => {
    expect(unique(all(/:\/setup\/(\S+)$/gm))).toEqual(readdirSync(dir).sort());
  });

  it('declares every volume that a service mounts, and mounts each that it declares', () => {
    const [, declared = ''] = text.split(/^volumes:$/m);
    const names = [...declared.matchAll(/^ {2}(\S+):$/gm)].map(([, name]) => name as string);
    expect(unique(all(/^ {6}- ([a-z0-9-]+):\//gm))).toEqual(names.sort());
  });

  it('names services that exist, as servers of the event stream and as dependencies', () => {
    const [services = ''] = text.slice(text.indexOf('\nservices:\n')).split(/^volumes:$/m);
    const names = [...services.matchAll(/^ {2}(\S+):$/gm)].map(([, name]) => name as string);
    const named = [
      ...nats.split(',').map((address) => address.split(':')[0] as string),
      ...all(/^ +([a-z0-9-]+): \{ condition:/gm),
    ];
    expect(unique(named).filter((name) => !names.includes(name))).toEqual([]);
  });

  it('starts programs that the build makes', () => {
    const programs = all(/'(apps\/[^']+\.js)'/g);
    expect(programs).toHaveLength(5);
    for (const program of programs)
      expect([program, existsSync(join(ROOT, program.replace('/dist/', '/src/').replace(/\.js$/, '.ts')))]).toEqual([
        program,
        true,
      ]);
  });

  it('waits for PostgreSQL on TCP, which it opens only after its first set-up', () => {
    expect(all(/(pg_isready[^']*)'/g)).toEqual(['pg_isready -h 127.0.0.1 -U postgres']);
  });

  it('gives the services only settings that their configuration reads', () => {
    const config = readFileSync(join(ROOT, 'libs/platform/src/config.ts'), 'utf8');
    const settings = new Set(config.match(/BAILIWICK_\w+/g));
    for (const service of ['delegation', 'ledger', 'intent', 'gateway', 'boundary']) {
      const names = Object.keys(parseEnv(readFileSync(join(dir, service, 'env'), 'utf8')));
      expect(names).toContain('BAILIWICK_NATS_URL');
      expect(names.filter((name) => name !== 'NODE_ENV' && !settings.has(name))).toEqual([]);
    }
  });
});
