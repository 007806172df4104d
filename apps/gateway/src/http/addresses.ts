/**
 * Is the address of a proof that of a request, compared without query and fragment (RFC 9449 §4.3)? What is no absolute
 * http address with a host is the same as nothing, not even as itself: a request line can hold `*`, an authority or a
 * whole address, and a proof any text.
 */
export function isSameAddress(htu: unknown, url: string): boolean {
  const asked = bare(url);
  return asked !== undefined && typeof htu === 'string' && bare(htu) === asked;
}

function bare(url: string): string | undefined {
  // URL would take white space away, add slashes, and read a name and password
  if (!/^https?:\/\/[^\s\\@/?#]+(\/[^\s\\#]*)?([?#][^\s\\]*)?$/i.test(url) || !URL.canParse(url)) return undefined;
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
