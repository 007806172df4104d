import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Runs two services. Each writes lines with Nest's logger, and one with the logger of the service. */
const PROGRAM = `
  const { Logger } = require('@nestjs/common');
  const { runBusServices } = require(process.argv[1]);
  const BUS = Symbol('BUS');
  const service = (name) => ({
    name,
    bus: BUS,
    module: {
      forRoot: (_config, logger) => ({
        module: class {
          onModuleInit() {
            logger.warn('its own');
            new Logger('Nest').warn('while ' + name + ' starts');
          }
        },
        providers: [{ provide: BUS, useValue: {} }],
        exports: [BUS],
        global: true,
      }),
    },
    server: () => ({
      listen: (callback) => {
        new Logger('Nest').warn('when ' + name + ' has started');
        callback();
      },
      close: () => undefined,
      on: () => undefined,
    }),
  });
  process.send = ({ type }) => process.exit(type === 'ready' ? 0 : 1);
  runBusServices('readers', [service('ledger'), service('intent')]);
`;

describe('runBusServices', () => {
  it('names each service in its own log lines, and the process in those of Nest', async () => {
    const register = join(__dirname, '..', '..', '..', 'test', 'support', 'register.cjs');
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--require', register, '-e', PROGRAM, join(__dirname, 'bus-service.ts')],
      {
        env: {
          PATH: process.env.PATH,
          BAILIWICK_LOG_LEVEL: 'warn',
          BAILIWICK_DATABASE_URL: 'postgres://localhost/none',
          BAILIWICK_NATS_URL: 'nats://localhost',
        },
      },
    );
    const lines = stdout.split('\n').filter((line) => line !== '');
    const read = lines.map((line) => JSON.parse(line) as { name: string; msg: string });
    expect(read.map(({ name, msg }) => `${name}: ${msg}`).sort()).toEqual([
      'intent: its own',
      'ledger: its own',
      'readers: when intent has started',
      'readers: when ledger has started',
      'readers: while intent starts',
      'readers: while ledger starts',
    ]);
  });
});
