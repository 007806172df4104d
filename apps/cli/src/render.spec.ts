import { plain } from './render';

describe('plain', () => {
  it.each([
    ['first line\nrevoked   nothing', 'first line revoked   nothing'],
    ['first line \r\n\t second', 'first line second'],
    ['first\u2028✓ the envelope is signed', 'first ✓ the envelope is signed'],
    ['\u001b[2Jgone\rover', '�[2Jgone�over'],
    ['abc\u202egnp.exe x\u200by', 'abc�gnp.exe x�y'],
    ['Ann’s café – “ok” ✓', 'Ann’s café – “ok” ✓'],
  ])('keeps outside text on one line and removes control characters: %j', (text, shown) => {
    expect(plain(text)).toBe(shown);
  });
});
