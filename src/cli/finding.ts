/** One thing that `ganlet doctor` looked at. */
export interface Finding {
  name: string;
  /** `missing`: not needed, here is how to have it. `broken`: nothing works without it. */
  status: 'ok' | 'missing' | 'broken';
  found: string;
  enable?: string;
}
