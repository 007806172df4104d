import { isPublicAddress, Networks } from './networks';

describe('isPublicAddress', () => {
  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700:4700::1111', '2a00::1'])('accepts %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    ['loopback', '127.0.0.1'],
    ['loopback', '127.255.0.9'],
    ['loopback', '::1'],
    ['any', '0.0.0.0'],
    ['any', '::'],
    ['private', '10.0.0.1'],
    ['private', '172.16.3.4'],
    ['private', '192.168.1.1'],
    ['shared', '100.64.0.1'],
    ['the metadata of a cloud', '169.254.169.254'],
    ['link-local', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%eth0'],
    ['unique local', 'fd00:ec2::254'],
    ['IPv4 in IPv6', '::ffff:127.0.0.1'],
    ['IPv4 in IPv6', '::ffff:8.8.8.8'],
    ['6to4', '2002:7f00:1::'],
    ['NAT64', '64:ff9b::7f00:1'],
    ['Teredo', '2001:0:1::1'],
    ['multicast', '224.0.0.1'],
    ['multicast', 'ff02::1'],
    ['reserved', '255.255.255.255'],
    ['no address', 'example.com'],
    ['no address', '2130706433'],
  ])('refuses an address that is %s: %s', (_what, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('Networks', () => {
  it('allows the stated networks in addition to the public one', () => {
    const networks = new Networks(['10.1.0.0/16', '127.0.0.1', 'fd00::/8']);
    const allowed = ['10.1.2.3', '10.2.0.1', '127.0.0.1', '127.0.0.2', 'fd12::1', '8.8.8.8'];
    expect(allowed.map((address) => networks.isAllowed(address))).toEqual([true, false, true, false, true, true]);
  });

  it.each([
    'http://127.0.0.1/',
    'http://0x7f.1/',
    'http://2130706433/',
    'http://[::1]:8/',
    'http://localhost./',
    'http://a.localhost/',
  ])('names the address that %s states', (url) => {
    expect(new Networks([]).refusedIn(new URL(url))).toBeDefined();
    expect(new Networks(['127.0.0.0/8', '::1']).refusedIn(new URL(url))).toBeUndefined();
  });

  it.each(['10.0.0.0/33', '10.0.0.0/', 'ten', '10.0.0.0/x', ''])('refuses the network %p', (cidr) => {
    expect(() => new Networks([cidr])).toThrow('is not an address');
  });
});
