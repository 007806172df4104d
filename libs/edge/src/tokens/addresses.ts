/**
 * Reports whether a proof names the address of a request, without query and fragment (RFC 9449 §4.3). A text that is not
 * an absolute http address with a host equals nothing, not even itself: a request line can contain `*`, an authority or
 * an absolute address, and a proof can contain any text.
 */
export function isSameAddress(htu: unknown, url: string): boolean {
  const asked = bare(url);
  return asked !== undefined && typeof htu === 'string' && bare(htu) === asked;
}

function bare(url: string): string | undefined {
  // URL would strip white space, add slashes, and accept a name and password
  if (!/^https?:\/\/[^\s\\@/?#]+(\/[^\s\\#]*)?([?#][^\s\\]*)?$/i.test(url) || !URL.canParse(url)) return undefined;
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
