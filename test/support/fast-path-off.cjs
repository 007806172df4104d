// Turns the fast path of the gateway off, in this process and in those that the tests start.
process.env.BAILIWICK_FAST_PATH = 'off';
