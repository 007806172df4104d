/** The remaining allowance of a comparison: one unit for each step of one pattern by one segment. */
export interface Work {
  left: number;
}
