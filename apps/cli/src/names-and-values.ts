import { UsageError } from './context';

/** Collects the values of an option that may be repeated. */
export const several = (value: string, all: string[]): string[] => [...all, value];

/** Splits texts such as `NAME=value`. @throws UsageError */
export function pairs(texts: readonly string[], separator: string, flag: string): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf(separator);
      if (at < 1) throw new UsageError(`${flag} ${text.slice(0, 40)} has no ${separator}`);
      return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
    }),
  );
}
