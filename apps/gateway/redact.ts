import { LIMITS } from '#kernel/limits';

/** Names whose values are secret whatever they look like. */
const SECRET_NAME =
  /pass(word|wd|phrase)?$|secret|token|api[-_]?key|private[-_]?key|credential|authorization|cookie|session[-_]?id|(^|[-_])(pin|otp|cvv)$/i;

/** Values that are secret whatever they are called. */
const SECRET_VALUE: readonly RegExp[] = [
  /\b(bearer|basic|dpop)\s+[a-z0-9._~+/=-]{8,}/gi,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, // JWT
  /\b(AKIA|ASIA)[0-9A-Z]{16}\b/g,
  /\bgh[pousr]_[A-Za-z0-9]{20,}\b/g,
  /\bsk-[A-Za-z0-9_-]{16,}\b/g,
  /\bbwk_[a-z]+_[A-Za-z0-9_-]{20,}/g,
  /\b([A-Z][A-Z0-9_]*(?:KEY|TOKEN|SECRET|PASSWORD))\s*[=:]\s*\S+/g,
];
const MASK = '[redacted]';

/** Masks what looks like a secret in a text. A help, no guarantee: what must not be kept is not sent as a preview. */
export function redactText(text: string): string {
  return SECRET_VALUE.reduce((masked, pattern) => masked.replace(pattern, MASK), text);
}

/** The arguments as they are kept beside the event: secrets masked, long texts cut, the whole bounded. */
export function redactArgs(value: unknown): unknown {
  const masked = mask(value, 0);
  const text = JSON.stringify(masked) ?? 'null';
  return text.length <= LIMITS.previewLength ? masked : { cut: `${text.slice(0, LIMITS.previewLength - 100)}…` };
}

function mask(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value.length > 600 ? `${value.slice(0, 600)}…` : value);
  if (value === null || typeof value !== 'object') return value;
  if (depth > 6) return '…';
  if (Array.isArray(value)) return value.slice(0, 50).map((each) => mask(each, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, 50)
      .map(([name, each]) => [name, SECRET_NAME.test(name) ? MASK : mask(each, depth + 1)]),
  );
}
