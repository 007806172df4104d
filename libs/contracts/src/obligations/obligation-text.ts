import type { AnsweredObligation, Obligation } from './obligation';

/** The fields that a text lists; the rest are counted. */
const LISTED = 8;

/** Describes an obligation, after "must": `return at most 50 rows`. */
export function obligationText(each: Obligation): string {
  switch (each.kind) {
    case 'remove_fields':
      return `remove ${fieldsText(each.fields)} from the result`;
    case 'redact':
      return `redact ${fieldsText(each.fields)} in the result`;
    case 'max_rows':
      return `return at most ${each.rows} ${each.rows === 1 ? 'row' : 'rows'}`;
    case 'watermark':
      return `mark the result with ${JSON.stringify(each.text)}`;
    case 'custom':
      return `apply ${each.name}${each.value === undefined ? '' : `: ${String(each.value)}`}`;
  }
}

function fieldsText(fields: readonly string[]): string {
  const more = fields.length - LISTED;
  return more > 0 ? `${fields.slice(0, LISTED).join(', ')} and ${more} more` : fields.join(', ');
}

/** Describes the obligations of an answer except the duty to report the outcome, which each permit has. */
export const answeredText = (obligations: readonly AnsweredObligation[]): string[] =>
  obligations.flatMap((each) => (typeof each === 'string' ? [] : [obligationText(each)]));
