import { z } from 'zod';

/** What a network must not exceed; `ofTeacher` is a part of the teacher's multiply-adds, `latency` in milliseconds. */
export interface Budget {
  macs?: number;
  ofTeacher?: number;
  latency?: number;
  params?: number;
  /** Bytes of activations that are kept at once. */
  memory?: number;
}

/** The keys of a budget and how each is written, for messages. */
export const budgetKeys = {
  macs: 'multiply-adds, as 500M',
  ofTeacher: "a part of the teacher's multiply-adds, as 0.1x",
  latency: 'milliseconds, as 12ms',
  params: 'parameters, as 200k',
  memory: 'bytes, as 4MiB',
} as const satisfies Record<keyof Budget, string>;

const rule = `must be a part of the teacher's multiply-adds (0.1x), multiply-adds (500M), milliseconds (12ms), or a section of ${Object.keys(budgetKeys).join(', ')}`;

const amount = (key: keyof Budget) => {
  const error = `must be ${budgetKeys[key]}`;
  return z
    .union([z.number(), z.string()], { error })
    .transform((value, context) => {
      const parsed = parseAmount(key, value);
      if (parsed !== undefined) return parsed;
      context.addIssue({ code: 'custom', message: `${error}, got ${JSON.stringify(value)}` });
      return z.NEVER;
    })
    .optional();
};

const sectionSchema = z
  .strictObject(
    {
      macs: amount('macs').describe('Multiply-adds of one picture: 500M.'),
      ofTeacher: amount('ofTeacher').describe("The same as a part of the teacher's: 0.1x."),
      latency: amount('latency').describe('Milliseconds of one picture on this machine: 12ms.'),
      params: amount('params').describe('Parameters: 200k.'),
      memory: amount('memory').describe('Activations that are kept at once: 4MiB.'),
    },
    { error: rule },
  )
  .refine((budget) => Object.values(budget).some((value) => value !== undefined), { error: rule })
  .refine(({ macs, ofTeacher }) => macs === undefined || ofTeacher === undefined, {
    error: 'must not have both macs and ofTeacher',
  });

/** `0.1x`, `500M`, `12ms`, or a section of limits that must all be kept. The result reads as itself. */
export const budgetSchema = z
  .union([z.number(), z.string(), sectionSchema], { error: rule })
  .transform((value, context): Budget => {
    if (typeof value === 'object') return defined(value);
    for (const key of ['ofTeacher', 'latency', 'macs'] as const) {
      const parsed = typeof value === 'number' && key !== 'macs' ? undefined : parseAmount(key, value);
      if (parsed !== undefined) return { [key]: parsed };
    }
    context.addIssue({ code: 'custom', message: `${rule}, got ${JSON.stringify(value)}` });
    return z.NEVER;
  });

const prefixes: Readonly<Record<string, number>> = { '': 1, k: 1e3, K: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** A number above 0 with the unit of its key; a bare number has that unit (`ofTeacher`: a fraction). */
export function parseAmount(key: keyof Budget, value: number | string): number | undefined {
  const [, digits, unit = ''] = /^\s*(\d+(?:\.\d+)?(?:e\d+)?)\s*([A-Za-z]*)\s*$/.exec(String(value)) ?? [];
  if (digits === undefined) return undefined;
  const bare = typeof value === 'number';
  const scale = scaleOf(key, unit, bare);
  const amount = scale === undefined ? Number.NaN : Number(digits) * scale;
  return Number.isFinite(amount) && amount > 0 && (key !== 'ofTeacher' || amount <= 1) ? amount : undefined;
}

function scaleOf(key: keyof Budget, unit: string, bare: boolean): number | undefined {
  switch (key) {
    case 'ofTeacher':
      return unit === 'x' || bare ? 1 : undefined;
    case 'latency':
      return unit === 'ms' || bare ? 1 : unit === 's' ? 1000 : undefined;
    case 'memory': {
      const [, prefix = '', binary] = /^([kKMGT]?)(i?)B?$/.exec(unit) ?? [];
      if (!/^([kKMGT]?)i?B?$/.test(unit)) return undefined;
      const power = ['', 'K', 'M', 'G', 'T'].indexOf(prefix.toUpperCase());
      return binary ? 1024 ** power : 1000 ** power;
    }
    default:
      return prefixes[unit];
  }
}

function defined<T extends object>(section: T): Budget {
  return Object.fromEntries(Object.entries(section).filter(([, value]) => value !== undefined));
}
