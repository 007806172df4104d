import { BlockList, isIP } from 'node:net';

/** IPv4 addresses that are not of the public network (RFC 6890 and its registry). */
const SPECIAL_4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/** Public IPv6 addresses are in 2000::/3; these parts of it are special, or contain an IPv4 address. */
const GLOBAL_6 = '2000::/3';
const SPECIAL_6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const special4 = blocks(SPECIAL_4);
const special6 = blocks(SPECIAL_6);
const global6 = blocks([GLOBAL_6]);

/** Reports whether an IP address is of the public network. One that embeds an IPv4 address is not, whatever that is. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special4.check(address, 'ipv4');
  // a zone names an interface, so the address is of a link
  return family === 6 && !address.includes('%') && global6.check(address, 'ipv6') && !special6.check(address, 'ipv6');
}

/** Networks that an installation may reach in addition to the public one. */
export class Networks {
  private readonly allowed: BlockList;

  /** @param cidrs such as `10.1.0.0/16`, `127.0.0.1` or `fd00::/8` @throws Error naming what is malformed */
  constructor(cidrs: readonly string[]) {
    this.allowed = blocks(cidrs);
  }

  isAllowed(address: string): boolean {
    const family = isIP(address);
    if (family === 0) return false;
    return isPublicAddress(address) || this.allowed.check(address, family === 4 ? 'ipv4' : 'ipv6');
  }

  /** Reports whether an address is in a network that the installation has allowed itself. */
  isStated(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.allowed.check(address, family === 4 ? 'ipv4' : 'ipv6');
  }

  /** Returns the address that a host of a URL states itself, if it may not be reached. Names are only known when they are resolved. */
  refusedIn(url: URL): string | undefined {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0) return this.isAllowed(host) ? undefined : host;
    return /(^|\.)localhost\.?$/i.test(host) && !this.isAllowed('127.0.0.1') ? host : undefined;
  }
}

function blocks(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', prefix] = cidr.split('/');
    const family = isIP(address);
    const bits = Number(prefix ?? (family === 4 ? 32 : 128));
    if (family === 0 || !Number.isInteger(bits) || bits < 0 || bits > (family === 4 ? 32 : 128) || prefix === '')
      throw new Error(`${cidr.slice(0, 80)} is not an address or a network such as 10.1.0.0/16`);
    list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
