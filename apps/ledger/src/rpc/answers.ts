import type { Answer } from '@bailiwick/contracts/commands/command';

export const found = (value: unknown): Answer => ({ ok: true, value });
export const refuse = (code: string, detail: string): Answer => ({ ok: false, refusal: { code, detail } });
export const missing = (id: string): Answer => refuse('NOT_FOUND', `${id.slice(0, 80)} not found`);
