/** Description → JSON text that a store might normalize. */
export const ODD_JSON: [string, string][] = [
  ['keys out of order', '{"b":1,"a":2,"10":3,"9":4}'],
  ['a duplicate key', '{"a":1,"a":2}'],
  ['whitespace of every kind', '\r\n\t {  "a" :\t[ 1 ,\n2 ] } \n'],
  ['letters beyond ASCII and beyond 16 bits', '{"naïve":"日本 😀 e\u0301 \u{10ffff}"}'],
  ['escapes that could be written shorter', '"\\u0041\\/\\u00e9\\ud83d\\ude00"'],
  ['escapes that represent no text', '["\\u0000","\\ud800","\\udfff\\ud800"]'],
  ['invisible characters', '"\u200b\u2028\u202e\ufeff\u007f"'],
  ['numbers with more digits than a double has', '[1.0,1e2,-0,0.10,12345678901234567890.123456789,1E-400]'],
  ['quotes, backslashes and braces', '{"\\"":"\\\\{}[],\\n","{a,b}":"NULL"}'],
  ['an SQL fragment', '"\'); DROP TABLE event; --"'],
  ['null', 'null'],
];
