import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';

/** Yields the lines of a stream. Only LF ends a line, because a text may contain U+2028. */
export async function* linesOf(input: Readable): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of input) {
    const parts = (rest + decoder.write(Buffer.from(chunk as Uint8Array))).split('\n');
    rest = parts.pop() as string;
    yield* parts;
  }
  rest += decoder.end();
  if (rest !== '') yield rest;
}

/** Yields the lines of a file, decompressed if its name ends in `.gz`. */
export function linesIn(file: string): AsyncGenerator<string> {
  const bytes = createReadStream(file);
  if (!file.endsWith('.gz')) return linesOf(bytes);
  const unpacked = createGunzip();
  bytes.once('error', (error) => unpacked.destroy(error));
  return linesOf(bytes.pipe(unpacked));
}
