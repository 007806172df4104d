import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { renderReceipt } from '#receipts/render';
import { verifyReceipt } from '#receipts/verify';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { green, plain, red } from '../render';

export function addReceiptCommands(program: Command): void {
  const receipt = program.command('receipt').description('signed accounts of runs');
  receipt
    .command('get <run>')
    .option('--out <file>', 'write the receipt there, and the key of its log beside it')
    .action(async (run: string, _flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & { out?: string }>();
      const client = clientFor(options, 'analyst');
      const envelope = await client.receipt(run);
      if (options.out !== undefined) {
        writeFileSync(options.out, JSON.stringify(envelope));
        const log = ((envelope as { signatures: { keyid: string }[] }).signatures[0]?.keyid ?? '')
          .split('/')
          .slice(-2)
          .join('/');
        writeFileSync(`${options.out}.vkey`, await client.verifierKey(log));
        console.log(`wrote ${options.out} and ${options.out}.vkey`);
      } else console.log(JSON.stringify(envelope, null, options.json ? 0 : 2));
    });
  receipt
    .command('verify <file>')
    .description('offline, with nothing but the verifier key of the log')
    .usage('<file> --key <the verifier key, or the file it is in>')
    .action((file: string, _flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const { key } = options;
      if (key === undefined)
        throw new UsageError(
          'name the key of the log with --key: the verifier key itself, or the file it is in (`receipt get --out` writes it beside the receipt)',
        );
      const { ok, steps, statement } = verifyReceipt(readJson(file), existsSync(key) ? readFileSync(key, 'utf8') : key);
      if (options.json) console.log(JSON.stringify({ ok, steps }));
      else {
        for (const step of steps) console.log(`${step.ok ? green('✓') : red('✗')} ${step.name}: ${plain(step.detail)}`);
        if (ok && statement)
          for (const line of renderReceipt(statement.predicate).slice(0, 3)) console.log(`  ${plain(line)}`);
      }
      process.exitCode = ok ? 0 : 1;
    });
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown;
  } catch (error) {
    throw new UsageError(`${file} cannot be read as JSON: ${(error as Error).message}`);
  }
}
