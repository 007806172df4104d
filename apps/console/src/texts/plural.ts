/** A count with its noun, such as `1 lease` or `2,000 leases`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString()} ${count === 1 ? one : many}`;
